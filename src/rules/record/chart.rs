//! Small charts of metrics, as numbers for an SVG: values over time, with the threshold and the baseline.

use serde::{Deserialize, Serialize};

/// What a watch saw of one metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    /// The metric's name.
    pub name: String,
    /// Seconds since the watch began, and the value.
    pub points: Vec<(f64, f64)>,
    /// The most that it may be.
    pub max: Option<f64>,
    /// The least that it may be.
    pub min: Option<f64>,
    /// What it was compared with.
    pub baseline: Option<f64>,
}

/// At most how many points of a series are kept.
pub const POINTS: usize = 240;

/// A chart, in a box of [`WIDTH`] by [`HEIGHT`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// The metric's name.
    pub name: String,
    /// The points of the line, as SVG's `polyline` takes them.
    pub line: String,
    /// Where the threshold lies, from the top.
    pub threshold: Option<String>,
    /// Where the baseline lies.
    pub baseline: Option<String>,
    /// The largest value that the box shows.
    pub top: String,
    /// The smallest.
    pub bottom: String,
    /// The last value.
    pub last: String,
    /// How long it is.
    pub seconds: String,
}

/// The width of a chart.
pub const WIDTH: f64 = 320.0;
/// The height of a chart.
pub const HEIGHT: f64 = 90.0;

/// Every n-th point, so that no more than [`POINTS`] are left; the largest of each group is kept, so that no peak is lost.
pub fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(POINTS).max(1);
    let largest = |some: &[(f64, f64)]| some.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    points.chunks(group).filter_map(largest).collect()
}

/// The chart of a series; none where it has no value.
pub fn chart(series: &Series) -> Option<Chart> {
    let finite: Vec<(f64, f64)> =
        series.points.iter().copied().filter(|(t, v)| t.is_finite() && v.is_finite()).collect();
    let last = finite.last()?.1;
    let marks = [series.max, series.min, series.baseline].into_iter().flatten();
    let all = finite.iter().map(|(_, v)| *v).chain(marks).filter(|v| v.is_finite());
    let (mut low, mut high) = all.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if high - low < f64::EPSILON * high.abs().max(1.0) {
        (low, high) = (low - 1.0, high + 1.0);
    }
    let long = finite.iter().map(|(t, _)| *t).fold(0.0, f64::max).max(1.0);
    let y = |v: f64| HEIGHT - (v - low) / (high - low) * HEIGHT;
    let line: Vec<String> =
        finite.iter().map(|(t, v)| format!("{:.1},{:.1}", t / long * WIDTH, y(*v))).collect();
    let at = |v: Option<f64>| v.filter(|v| v.is_finite()).map(|v| format!("{:.1}", y(v)));
    Some(Chart {
        name: series.name.clone(),
        line: line.join(" "),
        threshold: at(series.max.or(series.min)),
        baseline: at(series.baseline),
        top: number(high),
        bottom: number(low),
        last: number(last),
        seconds: super::page::lasting((long * 1000.0) as u64),
    })
}

/// A number with as many digits as a person wants to read.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 1.0 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn charts_stay_in_their_box() {
        let series = |points: &[(f64, f64)], max| Series {
            name: "errors".to_owned(),
            points: points.to_vec(),
            max,
            ..Series::default()
        };
        assert_eq!(chart(&series(&[], Some(1.0))), None);
        assert_eq!(chart(&series(&[(0.0, f64::NAN)], None)), None);
        let it = chart(&series(&[(0.0, 0.0), (30.0, 0.5), (60.0, 1.0)], Some(2.0))).unwrap();
        assert_eq!(it.line, "0.0,90.0 160.0,67.5 320.0,45.0");
        assert_eq!(
            (it.threshold.as_deref(), it.top.as_str(), it.bottom.as_str()),
            (Some("0.0"), "2.00", "0")
        );
        // One that never moves, one of huge numbers, one with an infinity in it.
        for points in [
            vec![(0.0, 5.0), (1.0, 5.0)],
            vec![(0.0, 1e300), (1.0, -1e300)],
            vec![(0.0, f64::INFINITY), (1.0, 1.0)],
        ] {
            let it = chart(&series(&points, None)).unwrap();
            assert!(!it.line.contains("NaN") && !it.line.contains("inf"), "{}", it.line);
        }
    }

    #[test]
    fn no_peak_is_lost() {
        let points: Vec<(f64, f64)> =
            (0..2880).map(|n| (f64::from(n), if n == 1000 { 9.0 } else { 1.0 })).collect();
        let few = thinned(points);
        assert!(few.len() <= POINTS && few.iter().any(|(_, v)| *v == 9.0));
    }
}
