package io.sluice.probe;

import io.sluice.model.Secret;
import java.util.Objects;

/** The OAuth 2.0 client (RFC 6749 section 2) for which refresh tokens have been issued. */
public record OAuthClient(String id, Secret secret) {
  public OAuthClient {
    Objects.requireNonNull(id);
    Objects.requireNonNull(secret);
  }
}
