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

/// A chart, in a box of [`WIDTH`] by [`HEIGHT`]: the plot is right of [`LEFT`] and above [`BELOW`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// The metric's name.
    pub name: String,
    /// The points of the line, as SVG's `polyline` takes them.
    pub line: String,
    /// The points themselves where they can be told apart, and whether each is as it should be.
    pub dots: Vec<Dot>,
    /// The most and the least that it may be.
    pub thresholds: Vec<Mark>,
    /// What it was compared with.
    pub baseline: Option<Mark>,
    /// The largest value, and the smallest.
    pub range: [Mark; 2],
    /// The last value.
    pub last: String,
    /// Whether the last value is as it should be.
    pub good: bool,
    /// How long it is.
    pub seconds: String,
}

/// A point of a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dot {
    /// From the left.
    pub x: String,
    /// From the top.
    pub y: String,
    /// Whether it is within the thresholds.
    pub good: bool,
}

/// A value at its height.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// From the top.
    pub y: String,
    /// The value, for people.
    pub value: String,
}

/// The width of a chart.
pub const WIDTH: f64 = 320.0;
/// The height of a chart.
pub const HEIGHT: f64 = 120.0;
/// Where the plot begins, right of the values' labels.
pub const LEFT: f64 = 42.0;
/// Where the plot ends, above the times' labels.
pub const BELOW: f64 = 104.0;
/// What is left free in the plot, so that no line runs along its border.
const SPARE: f64 = 8.0;
/// How many points can be told apart.
const DOTS: usize = 60;

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
    let (begun, last) = (finite.first()?.0, finite.last()?.1);
    let finite_only = |value: Option<f64>| value.filter(|v| v.is_finite());
    let (max, min, baseline) =
        (finite_only(series.max), finite_only(series.min), finite_only(series.baseline));
    let all = finite.iter().map(|(_, v)| *v).chain([max, min, baseline].into_iter().flatten());
    let (mut low, mut high) = all.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if high - low < f64::EPSILON * high.abs().max(1.0) {
        (low, high) = (low - 1.0, high + 1.0);
    }
    let ended = finite.iter().map(|(t, _)| *t).fold(begun, f64::max);
    let long = (ended - begun).max(0.1);
    // Halved first: what is as large as numbers are would be infinite together.
    let y = |v: f64| BELOW - SPARE - (v / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0) * (BELOW - 2.0 * SPARE);
    let x = |t: f64| LEFT + SPARE + (t - begun) / long * (WIDTH - LEFT - 2.0 * SPARE);
    let line: Vec<String> = finite.iter().map(|(t, v)| format!("{:.1},{:.1}", x(*t), y(*v))).collect();
    let good = |v: f64| max.is_none_or(|max| v <= max) && min.is_none_or(|min| v >= min);
    let dot =
        |(t, v): &(f64, f64)| Dot { x: format!("{:.1}", x(*t)), y: format!("{:.1}", y(*v)), good: good(*v) };
    let mark = |v: f64| Mark { y: format!("{:.1}", y(v)), value: number(v) };
    Some(Chart {
        name: series.name.clone(),
        line: line.join(" "),
        dots: if finite.len() <= DOTS { finite.iter().map(dot).collect() } else { Vec::new() },
        thresholds: max.into_iter().chain(min).map(mark).collect(),
        baseline: baseline.map(mark),
        range: [mark(high), mark(low)],
        last: number(last),
        good: good(last),
        seconds: super::page::lasting((long * 1000.0) as u64),
    })
}

/// A number with as many digits as a person wants to read.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 1e6 => return format!("{value:.1e}"),
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
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
        assert_eq!(it.line, "50.0,96.0 181.0,74.0 312.0,52.0");
        assert_eq!(it.thresholds, [Mark { y: "8.0".to_owned(), value: "2".to_owned() }]);
        assert!(it.good && it.dots.len() == 3 && it.dots.iter().all(|dot| dot.good));
        let bad = chart(&series(&[(5.0, 1.0), (6.0, 3.0)], Some(2.0))).unwrap();
        assert!(!bad.good && bad.dots[0].good && !bad.dots[1].good);
        assert!(bad.line.starts_with("50.0,"), "it begins at the left: {}", bad.line);
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
