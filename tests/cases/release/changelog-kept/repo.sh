printf '# Our log\r\n\r\nHello  \r\n\r\n## [Unreleased]\r\n\r\n- by hand\r\n\r\n## 1.2.3 (2025-12-31)\r\n\r\n* old\r\n\r\n\r\nfooter without end' >CHANGELOG.md
simple
