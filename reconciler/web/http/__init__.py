"""HTTP itself: limits, headers, ETags, content negotiation, problem documents. Knows no feature."""
