//! Streams of all kinds, beside what made them.

use libdeflater::{CompressionLvl, Compressor};
use proptest::prelude::*;

use super::*;

fn deflated(content: &[u8], level: i32) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::new(level).expect("a level"));
    let mut out = vec![0; compressor.zlib_compress_bound(content.len())];
    let length = compressor.zlib_compress(content, &mut out).expect("it fits");
    out.truncate(length);
    // what stands behind every object of a pack
    out.extend([0; 20]);
    out
}

fn small(input: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut output = vec![0; size + SLACK];
    Small::default().inflate(input, size, &mut output)?;
    output.truncate(size);
    Some(output)
}

#[test]
fn commits_are_for_the_small_one() {
    let mut state = 1u64;
    let mut id = || -> String {
        let mut digit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_digit((state >> 60) as u32, 16).expect("four bits")
        };
        (0..40).map(|_| digit()).collect()
    };
    for n in 0..200 {
        let commit = format!(
            "tree {}\nparent {}\nauthor A{n} <a@example.org> 1700{n:06} +0000\n\nfix({n}): the parser of {} (#{n})\n",
            id(),
            id(),
            "xyz".repeat(n)
        );
        let input = deflated(commit.as_bytes(), 6);
        assert_eq!(small(&input, commit.len()).as_deref(), Some(commit.as_bytes()), "{n}");
        assert_eq!(small(&input, commit.len() + 1), None);
        assert_eq!(small(&input, commit.len() - 1), None);
    }
}

/// Every length, every distance, codes of up to 15 bits.
#[test]
fn codes_longer_than_the_table() {
    let (mut content, mut one, mut other) = (Vec::new(), 1usize, 1usize);
    for byte in b'a'..b'w' {
        content.extend(std::iter::repeat_n(byte, one.min(700)));
        content.extend_from_slice(format!("{byte}-{one}").as_bytes());
        (one, other) = (other, one + other);
    }
    for level in 1..=12 {
        let input = deflated(&content, level);
        let found = small(&input, content.len());
        assert!(found.is_none_or(|found| found == content), "{level}");
        let mut output = Vec::new();
        Inflate::default().inflate(&input, content.len(), &mut output).expect("it is whole");
        assert_eq!(output, content);
    }
}

proptest! {
    #[test]
    fn what_was_deflated_comes_back(
        words in prop::collection::vec("[a-f]{1,9}|[0-9a-f]{40}| |\n|\\PC{1,3}", 0..200),
        level in 1..=12,
    ) {
        let content = words.concat().into_bytes();
        let input = deflated(&content, level);
        let mut output = Vec::new();
        let mut inflate = Inflate::default();
        prop_assert!(inflate.inflate(&input, content.len(), &mut output).is_some());
        prop_assert_eq!(&output, &content);
        // the same decoder again: nothing of the first is left
        prop_assert!(inflate.inflate(&input, content.len(), &mut output).is_some());
        prop_assert_eq!(&output, &content);
        prop_assert!(small(&input, content.len()).is_none_or(|found| found == content));
    }

    #[test]
    fn what_is_broken_is_refused_or_right(
        words in prop::collection::vec("[a-f]{1,9}|[0-9a-f]{40}| ", 0..60),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let content = words.concat().into_bytes();
        let mut input = deflated(&content, 6);
        for (at, byte) in changes {
            let at = at.index(input.len());
            input[at] = byte;
        }
        for input in [&input[..], &input[..cut.index(input.len())]] {
            if let Some(found) = small(input, content.len()) {
                let mut output = vec![0; content.len() + SLACK];
                let length = Decompressor::new().zlib_decompress(input, &mut output);
                prop_assert_eq!(length, Ok(content.len()));
                prop_assert_eq!(&output[..content.len()], found);
            }
        }
    }

    #[test]
    fn any_bytes_are_no_harm(mut input: Vec<u8>, size in 0usize..600) {
        input.splice(..0, [0x78, 0x9c]);
        if let Some(third) = input.get_mut(2) {
            *third = *third & !7 | 5;
        }
        prop_assert!(small(&input, size).is_none_or(|found| found.len() == size));
    }
}
