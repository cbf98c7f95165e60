package io.sluice.accept;

import io.sluice.model.Report;
import io.sluice.probe.PolicyDisguise;
import io.sluice.secrets.ApiToken;
import io.sluice.secrets.Scope;

/**
 * Who sends a request, and where it acts.
 *
 * @param workspace the token's own, or the one in the path of the Zoho-compatible API
 */
public record Caller(ApiToken token, String workspace) {

  /** The exchange property that holds the caller. */
  public static final String PROPERTY = "caller";

  /** The name in {@code created_by}, {@code updated_by} and events. */
  public String actor() {
    return token.name();
  }

  /** A report as the caller may see it: see {@link PolicyDisguise}. */
  Report shown(Report report) {
    return shown(report, this);
  }

  /**
   * The same.
   *
   * @param caller null: nobody who is known
   */
  static Report shown(Report report, Caller caller) {
    return caller != null && caller.token.allows(Scope.DIAGNOSTICS)
        ? report
        : PolicyDisguise.of(report);
  }
}
