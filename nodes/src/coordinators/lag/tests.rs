use super::*;

fn series(group: &str, max_offsets: u64) -> Series {
    Series {
        cluster: "demo".to_owned(),
        group: group.to_owned(),
        topic: "orders".to_owned(),
        lag: Lag {
            max_offsets,
            sum_offsets: 2 * max_offsets,
            max_ms: 1500,
        },
    }
}

#[test]
fn the_largest_lags_are_shown_and_the_others_counted() {
    let many = (0..LAG_SERIES_MAX as u64 + 3).map(|lag| series("g", lag));
    let report = LagReport::new(many.collect(), 2);
    assert_eq!(report.hidden, 3 + 2);
    let least = report.series.iter().map(|s| s.lag.max_offsets).min();
    assert_eq!((report.series.len(), least), (LAG_SERIES_MAX, Some(3)));
}

#[test]
fn a_groups_name_cannot_break_out_of_its_label() {
    let text = LagReport::new(vec![series("a:\"b\\\n", 7)], 0).text();
    let labels = r#"{cluster="demo",group="a:\"b\\\n",topic="orders"}"#;
    for line in [
        format!("aws_msk_max_offset_lag{labels} 7"),
        format!("aws_msk_sum_offset_lag{labels} 14"),
        format!("aws_msk_estimated_max_time_lag{labels} 1.5"),
        "tidegate_lag_series_hidden 0".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}

#[test]
fn lags_of_partitions_are_put_together() {
    let mut lag = Lag::default();
    let position = |lag, since| Position {
        lag,
        unread_since: since,
    };
    lag.add(position(5, Some(Timestamp(9_000))), Timestamp(10_000));
    lag.add(position(3, Some(Timestamp(4_000))), Timestamp(10_000));
    lag.add(position(0, Some(Timestamp(1))), Timestamp(10_000));
    lag.add(position(1, None), Timestamp(10_000));
    let expected = Lag {
        max_offsets: 5,
        sum_offsets: 9,
        max_ms: 6_000,
    };
    assert_eq!(lag, expected);
}
