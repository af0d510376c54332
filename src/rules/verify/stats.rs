//! The statistics: Mann–Whitney as R and Kayenta compute it, and how many samples a claim needs.

/// The confidence of the interval that Kayenta's judge uses.
pub const CONFIDENCE: f64 = 0.98;
/// How far, as a part of the shift itself, the interval must stay away from nothing
/// (<https://github.com/spinnaker/kayenta/blob/master/kayenta-judge/src/main/scala/com/netflix/kayenta/judge/classifiers/metric/MannWhitneyClassifier.scala>).
pub const TOLERANCE: f64 = 0.25;
/// The chance of seeing a change where there is none.
pub const SIGNIFICANCE: f64 = 0.05;
/// The chance of seeing a change that is there.
pub const POWER: f64 = 0.8;

/// How far one sample lies above another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The Hodges–Lehmann estimate.
    pub estimate: f64,
}

/// The shift of `x` against `y` with its interval: the normal approximation with corrections for ties and continuity, as
/// in R's `wilcox.test(x, y, conf.int = TRUE, exact = FALSE)`. None where one is empty or all values are alike.
pub fn shift(x: &[f64], y: &[f64], confidence: f64) -> Option<Shift> {
    let all = || x.iter().chain(y);
    if x.is_empty() || y.is_empty() || all().any(|v| !v.is_finite()) {
        return None;
    }
    let first = x[0];
    if all().all(|v| *v == first) {
        return None;
    }
    let z = quantile(1.0 - (1.0 - confidence) / 2.0);
    // Between two differences the statistic is level: the estimate is the middle of where it is nothing.
    let level = [f64::MIN_POSITIVE, -f64::MIN_POSITIVE].map(|z| root(x, y, z, false));
    let estimate = f64::midpoint(level[0], level[1]);
    Some(Shift { low: root(x, y, z, true), high: root(x, y, -z, true), estimate })
}

/// Where the statistic of `x - d` against `y` comes to `z`. It falls with `d`.
fn root(x: &[f64], y: &[f64], z: f64, correct: bool) -> f64 {
    let least = |v: &[f64]| v.iter().copied().fold(f64::INFINITY, f64::min);
    let most = |v: &[f64]| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut low, mut high) = (least(x) - most(y), most(x) - least(y));
    if statistic(x, y, low, correct) <= z {
        return low;
    }
    if statistic(x, y, high, correct) >= z {
        return high;
    }
    for _ in 0..60 {
        let middle = low + (high - low) / 2.0;
        match statistic(x, y, middle, correct) > z {
            true => low = middle,
            false => high = middle,
        }
    }
    low + (high - low) / 2.0
}

fn statistic(x: &[f64], y: &[f64], d: f64, correct: bool) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let mut all: Vec<(f64, bool)> =
        x.iter().map(|v| (v - d, true)).chain(y.iter().map(|v| (*v, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
    for alike in all.chunk_by(|a, b| a.0 == b.0) {
        let count = alike.len() as f64;
        let rank = before + (count + 1.0) / 2.0;
        ranks += rank * alike.iter().filter(|(_, of_x)| *of_x).count() as f64;
        ties += count.powi(3) - count;
        before += count;
    }
    let z = ranks - n * (n + 1.0) / 2.0 - n * m / 2.0;
    let correction = if !correct || z == 0.0 { 0.0 } else { 0.5_f64.copysign(z) };
    let sigma = (n * m / 12.0 * ((n + m + 1.0) - ties / ((n + m) * (n + m - 1.0)))).sqrt();
    (z - correction) / sigma
}

/// The value below which so much of the standard normal distribution lies; by Acklam's rational approximation, whose
/// relative error is below 1.2e-9.
pub fn quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    let poly = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        poly(&C, q) / (poly(&D, q) * q + 1.0)
    };
    match p {
        p if p < 0.024_25 => tail(p),
        p if p > 1.0 - 0.024_25 => -tail(1.0 - p),
        p => {
            let q = p - 0.5;
            let r = q * q;
            q * poly(&A, r) / (poly(&B, r) * r + 1.0)
        }
    }
}

/// How many events each side must have so that a rise of a proportion from one value to another is seen with [`POWER`], at
/// [`SIGNIFICANCE`], one-sided; as R's `power.prop.test`. None where there is no rise.
pub fn needed_events(from: f64, to: f64) -> Option<f64> {
    let (from, to) = (from.clamp(0.0, 1.0), to.clamp(0.0, 1.0));
    let rise = (to - from).abs();
    let middle = f64::midpoint(from, to);
    let (a, b) = (quantile(1.0 - SIGNIFICANCE), quantile(POWER));
    let spread =
        a * (2.0 * middle * (1.0 - middle)).sqrt() + b * (from * (1.0 - from) + to * (1.0 - to)).sqrt();
    (rise > 0.0).then(|| (spread / rise).powi(2))
}

/// How many measurements each side must have so that a shift of a mean is seen, where they scatter by `sd`.
pub fn needed_values(sd: f64, shift: f64) -> Option<f64> {
    let z = quantile(1.0 - SIGNIFICANCE) + quantile(POWER);
    (shift > 0.0).then(|| 2.0 * (z * sd / shift).powi(2))
}

/// Whether such a part of `events` is more than chance makes of a proportion: the binomial test, one-sided.
pub fn exceeds(found: f64, expected: f64, events: f64) -> bool {
    const MANY: f64 = 100_000.0;
    let expected = expected.clamp(0.0, 1.0);
    let (all, some) = (events.round(), (found * events).round());
    if found <= expected || expected >= 1.0 {
        return false;
    }
    if expected == 0.0 {
        return some > 0.0;
    }
    if all > MANY {
        let spread = (expected * (1.0 - expected) / all).sqrt();
        return found - expected > quantile(1.0 - SIGNIFICANCE) * spread;
    }
    // The chance of fewer, summed up from none.
    let (mut chance, mut sum, mut n) = (all * (-expected).ln_1p(), 0.0, 0.0);
    while n < some {
        sum += chance.exp();
        chance += ((all - n) / (n + 1.0)).ln() + (expected / (1.0 - expected)).ln();
        n += 1.0;
    }
    1.0 - sum < SIGNIFICANCE
}

/// The mean.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation; none of fewer than two.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let n = values.len() as f64;
    (n >= 2.0).then(|| (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R 4.2.2; its `uniroot` stops within 1e-4 of where the statistic jumps.
    #[test]
    fn shifts_are_those_of_r() {
        let x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let y = [1.15, 0.88, 0.90, 0.74, 1.21];
        let a = [120., 131., 125., 140., 118., 122., 135., 129., 127., 133., 141., 119.];
        let b = [101., 99., 104., 110., 97., 103., 100., 108., 95., 102., 106., 98.];
        let half: Vec<f64> = a.iter().map(|v| v + 0.5).collect();
        let ties = [1., 1., 2., 2., 3., 3., 4., 4., 5., 5.];
        let more = [1., 2., 2., 2., 2., 3., 3., 3., 4., 4.];
        type Case<'a> = (&'a [f64], &'a [f64], f64, [f64; 3]);
        let cases: [Case<'_>; 7] = [
            (&x, &y, 0.95, [-0.150015, 0.759943, 0.302508]),
            (&x, &y, 0.98, [-0.319997, 0.989946, 0.302508]),
            (&[10., 20., 30., 40.], &[1., 2., 3., 4.], 0.95, [6.0, 39.0, 22.5]),
            (&ties, &more, 0.98, [-1.000035, 2.000030, 0.000016]),
            (&a, &b, 0.98, [18.999939, 33.999916, 25.999975]),
            (&b, &a, 0.98, [-33.999916, -18.999939, -25.999981]),
            (&a, &half, 0.98, [-9.499940, 8.499940, -0.5]),
        ];
        for (x, y, confidence, [low, high, estimate]) in cases {
            let found = shift(x, y, confidence).expect("they differ");
            for (found, wanted) in [(found.low, low), (found.high, high), (found.estimate, estimate)] {
                assert!((found - wanted).abs() < 3e-3, "{x:?} {y:?}: {found} {wanted}");
            }
        }
        assert_eq!(shift(&[1.0, 1.0], &[1.0], 0.98), None);
        assert_eq!(shift(&[], &[1.0], 0.98), None);
        assert_eq!(shift(&[f64::NAN], &[1.0], 0.98), None);
    }

    #[test]
    fn quantiles_and_sizes_are_those_of_r() {
        for (p, z) in
            [(0.99, 2.326347874), (0.95, 1.644853627), (0.8, 0.841621234), (0.001, -3.090232306), (0.5, 0.0)]
        {
            assert!((quantile(p) - z).abs() < 1e-8, "{p}");
        }
        assert!((needed_events(0.005, 0.015).unwrap_or(0.0) - 1223.1).abs() < 0.1);
        assert!((needed_events(0.1, 0.12).unwrap_or(0.0) - 3025.315).abs() < 0.01);
        assert_eq!(needed_events(0.1, 0.1), None);
        // 1 - pbinom(k - 1, n, p): 0.0493 of 1 in 10 at 0.005, 0.0954 of 1 in 20, 0.0172 of 2 in 40.
        assert!(exceeds(0.1, 0.005, 10.0) && !exceeds(0.05, 0.005, 20.0) && exceeds(0.05, 0.005, 40.0));
        assert!(exceeds(0.1, 0.0, 10.0) && !exceeds(0.01, 0.02, 1e6) && exceeds(0.021, 0.02, 1e6));
    }
}
