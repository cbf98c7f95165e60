package io.sluice.secrets;

import java.util.Set;

/**
 * What is known about a token; the token itself is not kept, and when it expires is up to the
 * store.
 *
 * @param id stable and public: it names the actor in histories and events
 * @param holder whom keys and shares belong to: the client that it was issued to, one token after
 *     the other, else the token itself
 * @param workspace the workspace in which the native API acts for it
 * @param name for people
 */
public record ApiToken(String id, String holder, String workspace, Set<Scope> scopes, String name) {

  public ApiToken {
    scopes = Set.copyOf(scopes);
  }

  public boolean allows(Scope needed) {
    return scopes.stream().anyMatch(scope -> scope.implies(needed));
  }
}
