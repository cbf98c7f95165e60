package io.sluice.secrets;

import io.sluice.model.Secret;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Redaction by value: as long as a secret is in use, its value is scrubbed from text that leaves,
 * whoever wrote that text. One for the process, because logs are; safe for use by several threads.
 *
 * <p>Found are the value itself, its base64 (either alphabet, padded or not, also in the middle of
 * something longer that was encoded as a whole), and both of these written as a URL component, in
 * JSON or in XML, whichever characters the writer chose to encode, up to two such layers. Of PEM
 * text, each line is a secret of its own.
 *
 * <p>A value of four bytes or more is replaced wherever it stands, also inside words: a password
 * {@code root} makes a log harder to read, and that is the lesser harm. A shorter one is replaced
 * only where no letter or digit adjoins it, since otherwise one password {@code a} would blank
 * every log, and is not sought in base64. So this is for text that people read. A document of typed
 * fields keeps secrets out by having no place for them; scrubbing it could change its meaning.
 *
 * <p>Not found are hashes, compressed or encrypted bytes, and hexadecimal dumps.
 */
public final class Redaction {
  private static final RedactionIndex INDEX = new RedactionIndex(System::nanoTime);

  private Redaction() {}

  /** Secrets that are in use until it is closed. Closing it twice does nothing. */
  public static final class Scope implements AutoCloseable {
    private final RedactionIndex index;
    private final List<Secret> secrets;
    private final AtomicBoolean open = new AtomicBoolean(true);

    Scope(RedactionIndex index, Collection<Secret> secrets) {
      this.index = index;
      this.secrets = List.copyOf(secrets);
      this.secrets.forEach(index::add);
    }

    /**
     * The secrets stay known for {@link RedactionIndex#RETENTION}: a driver's thread may log late.
     */
    @Override
    public void close() {
      if (open.compareAndSet(true, false)) {
        secrets.forEach(index::retire);
      }
    }
  }

  /**
   * Scrubs these secrets from now on. The same secret may be in several scopes at once. For a
   * secret of the service itself, never close the scope.
   */
  public static Scope open(Collection<Secret> secrets) {
    return new Scope(INDEX, secrets);
  }

  /** The text with {@link Secret#MASK} for every secret in it; the same object when none is. */
  public static String scrub(String text) {
    return INDEX.scrub(text);
  }
}
