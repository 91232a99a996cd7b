"""RTP and RTCP (RFC 3550, 3551, 4733, 4961), sans-IO."""
