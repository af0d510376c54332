//! Places, as one scanner writes them and as another does.

use std::borrow::Cow;

use super::{Place, name};

/// A file by its path from the top of the repository.
pub fn file(path: &str, line: Option<u32>, root: &str) -> Option<Place> {
    let path = path.trim();
    let path = path.strip_prefix("file://").unwrap_or(path);
    let path = if path.contains('\\') && !path.contains('/') {
        Cow::Owned(path.replace('\\', "/"))
    } else {
        Cow::Borrowed(path)
    };
    let mut path: &str = &path;
    let root = root.trim_end_matches('/');
    if !root.is_empty()
        && let Some(inside) = path.strip_prefix(root).and_then(|p| p.strip_prefix('/'))
    {
        path = inside;
    }
    while let Some(rest) = path.strip_prefix("./").or_else(|| path.strip_prefix('/')) {
        path = rest;
    }
    (!path.is_empty() && path != ".").then(|| Place { path: name(path), line })
}

/// A URI of SARIF: percent-encoded, perhaps an image.
pub fn uri(uri: &str, line: Option<u32>, root: &str, images: bool) -> Option<Place> {
    let decoded = if uri.contains('%') { Cow::Owned(decode(uri)) } else { Cow::Borrowed(uri) };
    if decoded.contains("@sha256:") || (images && looks_like_image(&decoded)) {
        return image(&decoded);
    }
    file(&decoded, line, root)
}

/// Whether a text has a tag at its end, as images have: `alpine:3.18`, not `src/main.c`.
fn looks_like_image(text: &str) -> bool {
    let text = text.split(" (").next().unwrap_or_default();
    let last = text.rsplit('/').next().unwrap_or_default();
    last.split_once(':').is_some_and(|(name, tag)| !name.is_empty() && !tag.is_empty())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./:_-@".contains(&b))
}

/// An image without default registry, tag and digest: what stays the same from build to build.
pub fn image(reference: &str) -> Option<Place> {
    // Trivy: `alpine:3.18 (alpine 3.18.4)`.
    let mut image = reference.trim().split(" (").next().unwrap_or_default();
    image = image.split('@').next().unwrap_or_default();
    for scheme in ["docker:", "registry:", "podman:", "docker-archive:", "oci-dir:", "oci-archive:"] {
        image = image.strip_prefix(scheme).unwrap_or(image);
    }
    let last = image.rfind('/').map_or(0, |slash| slash + 1);
    if let Some(colon) = image[last..].find(':') {
        image = &image[..last + colon];
    }
    for registry in ["index.docker.io/", "docker.io/", "library/"] {
        image = image.strip_prefix(registry).unwrap_or(image);
    }
    (!image.is_empty()).then(|| Place { path: name(image), line: None })
}

/// Percent-decoding; what is no valid escape stays.
pub fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[i], hex(i + 1), hex(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                i += 3;
            }
            (byte, ..) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
