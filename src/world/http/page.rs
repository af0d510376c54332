//! Paging: where the next page of a list is.

use http::HeaderMap;
use url::Url;

/// The address of the next page: the `Link` header's `rel="next"` (<https://www.rfc-editor.org/rfc/rfc8288>), as GitHub
/// and GitLab send it, for GitLab's keyset paging too; otherwise GitLab's `x-next-page`
/// (<https://docs.gitlab.com/api/rest/#pagination>). None on the last page, and where the next one would be at another
/// server.
pub fn next_page(headers: &HeaderMap, page: &Url) -> Option<Url> {
    let linked = headers
        .get_all(http::header::LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(next_link)
        .and_then(|target| page.join(target).ok());
    let numbered = || {
        let number = headers.get("x-next-page")?.to_str().ok()?.trim();
        number.parse::<u64>().ok()?;
        let others: Vec<(String, String)> = page
            .query_pairs()
            .filter(|(name, _)| name != "page")
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        let mut next = page.clone();
        next.query_pairs_mut().clear().extend_pairs(others).append_pair("page", number);
        Some(next)
    };
    linked.or_else(numbered).filter(|next| next.origin() == page.origin() && next != page)
}

/// The target with `rel="next"` of a `Link` header. Targets may hold commas and semicolons.
fn next_link(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some((_, tail)) = rest.split_once('<') {
        let (target, tail) = tail.split_once('>')?;
        // Parameters go up to the next target.
        let end = tail.find('<').unwrap_or(tail.len());
        let next = tail[..end].split([';', ',']).any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value
                        .trim()
                        .trim_matches('"')
                        .split_whitespace()
                        .any(|rel| rel.eq_ignore_ascii_case("next"))
            })
        });
        if next {
            return Some(target);
        }
        rest = &tail[end..];
    }
    None
}
