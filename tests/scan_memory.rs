//! How much memory a scan takes beside what it keeps: reading and merging need at most twice the findings.
#![allow(unsafe_code, reason = "an allocator that counts is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use release_steps::rules::scan::merge::merge;
use release_steps::rules::scan::read::Reader;

/// The system's allocator, counting what is held now and what was held at most.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn more(size: usize) {
    let held = HELD.fetch_add(size, Ordering::Relaxed) + size;
    MOST.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: everything is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may be there for a moment.
        more(size);
        // SAFETY: as the caller promises.
        let new = unsafe { System.realloc(at, layout, size) };
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        new
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A result as CodeQL writes it.
fn result(out: &mut String, n: usize) {
    let _ = write!(
        out,
        r#"{}{{"ruleId":"lang/rule-{}","message":{{"text":"This value of request {n} flows to the query unchecked."}},
        "locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"src/part-{}/file-{}.c"}},
        "region":{{"startLine":{},"snippet":{{"text":"    query(value, header, index, {n});\n"}}}}}}}}],
        "partialFingerprints":{{"primaryLocationLineHash":"{:x}:1"}},
        "codeFlows":[{{"threadFlows":[{{"locations":[{{"location":{{"message":{{"text":"value"}}}}}}]}}]}}]}}"#,
        if n == 0 { "" } else { "," },
        n % 300,
        n % 40,
        n % 900,
        n % 5000 + 1,
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    );
}

#[test]
fn at_most_twice_the_findings() {
    // Just above a power of two, where a list that doubles has the most room to spare.
    const RESULTS: usize = 33_000;
    let mut reader = Reader::new(None, "/work");
    let mut piece = String::with_capacity(80 << 10);
    piece.push_str(
        r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"Scanner","rules":[]}},"results":["#,
    );
    MOST.store(HELD.load(Ordering::Relaxed), Ordering::Relaxed);
    let before = HELD.load(Ordering::Relaxed);
    let mut size = 0;
    for n in 0..RESULTS {
        result(&mut piece, n);
        if piece.len() > 64 << 10 {
            reader.push(piece.as_bytes());
            size += piece.len();
            piece.clear();
        }
    }
    piece.push_str("]}]}");
    reader.push(piece.as_bytes());
    size += piece.len();
    let (_, report) = reader.finish().expect("it is a whole report");
    let mut findings = merge(report.findings);
    assert_eq!(findings.len(), RESULTS);
    // Room that a list grew beyond what is in it is not what is kept.
    findings.shrink_to_fit();
    let kept = HELD.load(Ordering::Relaxed) - before;
    let most = MOST.load(Ordering::Relaxed) - before;
    assert!(
        most <= 2 * kept,
        "{} KiB were read, {} KiB of findings were kept, and {} KiB held at most",
        size >> 10,
        kept >> 10,
        most >> 10
    );
    // What is not kept is not held: the flows and snippets of the report are most of it.
    assert!(kept < size, "{kept} bytes of findings came of {size}");
}
