/**
 * How secrets are kept and how they are kept out of everything else.
 *
 * <ul>
 *   <li>At rest: {@link io.sluice.secrets.Vault} seals a secret for one {@link
 *       io.sluice.secrets.SecretAddress}, with keys from an owner-only file outside the store, and
 *       makes the fingerprints by which drift shows.
 *   <li>In what leaves: {@link io.sluice.secrets.Redaction} knows the secrets that are in use and
 *       scrubs their values from text; {@link io.sluice.secrets.LogLine} puts every log event
 *       through it, {@link io.sluice.secrets.LogRouting} brings in the logging of libraries that
 *       have their own.
 *   <li>Of callers: {@link io.sluice.secrets.Tokens} makes, checks and hashes API tokens, {@link
 *       io.sluice.secrets.ApiToken} and {@link io.sluice.secrets.Scope} say what one permits,
 *       {@link io.sluice.secrets.FirstToken} provides the one that an empty installation starts
 *       with.
 * </ul>
 */
package io.sluice.secrets;
