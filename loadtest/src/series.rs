//! Payload over time.
//!
//! Owns: fixed buckets of one count. Does not own: the clock, or who counts.

use std::time::Duration;

use serde::Serialize;

/// Buckets of one series; what comes later is added to the last.
const BUCKETS_MAX: usize = 40_000;

/// Bytes per bucket of time.
#[derive(Clone, Debug)]
pub struct Series {
    bucket: Duration,
    bytes: Vec<u64>,
    counted: u64,
}

/// A series as it is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Throughput {
    /// Of what.
    pub name: String,
    /// Seconds of each value.
    pub bucket_s: f64,
    /// Payload of each bucket of time.
    pub mb_per_s: Vec<f64>,
}

impl Series {
    /// An empty series.
    pub fn new(bucket: Duration) -> Self {
        Self {
            bucket,
            bytes: Vec::new(),
            counted: 0,
        }
    }

    /// By `elapsed` there were so many bytes in all; the new ones belong to the bucket of that moment.
    pub fn total(&mut self, elapsed: Duration, bytes: u64) {
        let new = bytes.saturating_sub(self.counted);
        self.counted += new;
        self.add(elapsed, new);
    }

    /// So many bytes at `elapsed`.
    pub fn add(&mut self, elapsed: Duration, bytes: u64) {
        let place = elapsed.as_nanos() / self.bucket.as_nanos();
        let place = usize::try_from(place).map_or(BUCKETS_MAX - 1, |p| p.min(BUCKETS_MAX - 1));
        if self.bytes.len() <= place {
            self.bytes.resize(place + 1, 0);
        }
        self.bytes[place] += bytes;
    }

    /// The series as it is told; `length` is where it ends, which cuts the last bucket.
    pub fn finish(self, name: &str, length: Duration) -> Throughput {
        let bucket_s = self.bucket.as_secs_f64();
        let of = |(place, bytes): (usize, &u64)| {
            let span =
                (length.as_secs_f64() - place as f64 * bucket_s).clamp(bucket_s / 10.0, bucket_s);
            *bytes as f64 / 1e6 / span
        };
        Throughput {
            name: name.to_owned(),
            bucket_s,
            mb_per_s: self.bytes.iter().enumerate().map(of).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bytes_fall_into_the_bucket_of_their_moment() {
        let mut series = Series::new(SECOND);
        series.total(SECOND / 2, 1_000_000);
        series.total(SECOND / 2, 3_000_000);
        series.total(SECOND * 2, 4_000_000);
        let told = series.finish("x", SECOND * 5 / 2);
        assert_eq!(told.mb_per_s, [3.0, 0.0, 2.0]);
    }

    #[test]
    fn the_end_of_time_is_one_bucket() {
        let mut series = Series::new(SECOND);
        series.add(Duration::MAX, 5);
        assert_eq!(series.bytes.len(), BUCKETS_MAX);
    }
}
