//! Lines over two axes, as SVG that stands inside a page.
//!
//! Owns: axes, colours, labels. Does not own: what the lines mean.

use plotters::prelude::{ChartBuilder, IntoDrawingArea, LineSeries, RGBColor, SVGBackend, WHITE};

use super::table::number;

/// Width and height.
const SIZE: (u32, u32) = (760, 300);
/// The servers' colours, in order; further ones begin again.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 102, 204),
    RGBColor(214, 90, 0),
    RGBColor(20, 140, 70),
    RGBColor(150, 60, 170),
    RGBColor(110, 110, 110),
];

/// How an axis is told.
#[derive(Clone, Copy)]
pub enum Axis {
    /// As it is, from 0.
    Linear,
    /// By powers of ten.
    Log,
    /// Percentiles: each step to the right is ten times rarer.
    Nines,
}

/// Points of one server.
pub type Line = Vec<(f64, f64)>;

/// A server's colour, as the page writes it.
pub fn colour(number: usize) -> String {
    let RGBColor(red, green, blue) = COLOURS[number % COLOURS.len()];
    format!("rgb({red},{green},{blue})")
}

/// The plot; nothing if there are no points.
pub fn lines(
    lines: &[Line],
    (x_axis, x_name): (Axis, &str),
    (y_axis, y_name): (Axis, &str),
) -> Option<String> {
    let place = |(x, y): &(f64, f64)| (x_axis.place(*x), y_axis.place(*y));
    let lines: Vec<Line> = lines
        .iter()
        .map(|line| line.iter().map(place).collect())
        .collect();
    let points = || lines.iter().flatten();
    points().next()?;
    let (x_from, x_to) = x_axis.range(points().map(|point| point.0));
    let (y_from, y_to) = y_axis.range(points().map(|point| point.1));
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).expect("a text takes everything");
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(64)
            .build_cartesian_2d(x_from..x_to, y_from..y_to)
            .expect("the ranges are finite");
        chart
            .configure_mesh()
            .x_desc(x_name)
            .y_desc(y_name)
            .x_label_formatter(&|x| x_axis.label(*x))
            .y_label_formatter(&|y| y_axis.label(*y))
            .draw()
            .expect("a text takes everything");
        for (number, line) in lines.into_iter().enumerate() {
            let style = &COLOURS[number % COLOURS.len()];
            let series = LineSeries::new(line, style);
            chart.draw_series(series).expect("a text takes everything");
        }
        area.present().expect("a text takes everything");
    }
    // Inside a page SVG needs no namespace, and the page shall name no address.
    Some(svg.replace(" xmlns=\"http://www.w3.org/2000/svg\"", ""))
}

impl Axis {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(1e-3).log10(),
            Self::Nines => -(1.0 - value / 100.0).max(1e-9).log10(),
        }
    }

    fn range(self, values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
        match self {
            Self::Linear => (0.0, if top > 0.0 { top * 1.05 } else { 1.0 }),
            Self::Nines => (0.0, top.ceil().max(1.0)),
            Self::Log => {
                let bottom = values.fold(f64::INFINITY, f64::min).floor();
                (bottom, top.ceil().max(bottom + 1.0))
            }
        }
    }

    fn label(self, place: f64) -> String {
        let is_whole = (place - place.round()).abs() < 1e-9;
        match self {
            Self::Linear => number(place),
            Self::Log | Self::Nines if !is_whole => String::new(),
            Self::Log => format!("{}", 10_f64.powf(place.round())),
            Self::Nines => {
                let nines = place.round().max(0.0) as usize;
                format!(
                    "{:.*} %",
                    nines.saturating_sub(2),
                    100.0 * (1.0 - 10_f64.powf(-place.round()))
                )
            }
        }
    }
}
