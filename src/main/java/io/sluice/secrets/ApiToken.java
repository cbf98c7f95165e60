package io.sluice.secrets;

import java.time.Instant;
import java.util.Set;

/**
 * What is known about a token; the token itself is not kept.
 *
 * @param id stable and public: it names the actor in histories and events
 * @param workspace the workspace in which the native API acts for it
 * @param expiresAt null when it never does
 * @param name for people
 */
public record ApiToken(
    String id, String workspace, Set<Scope> scopes, Instant expiresAt, String name) {

  public ApiToken {
    scopes = Set.copyOf(scopes);
  }

  public boolean allows(Scope needed) {
    return scopes.stream().anyMatch(scope -> scope.implies(needed));
  }

  /** Valid until, and no longer at, the instant of expiry. */
  public boolean expired(Instant now) {
    return expiresAt != null && !now.isBefore(expiresAt);
  }
}
