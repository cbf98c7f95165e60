package io.sluice.secrets;

import io.sluice.model.Secret;
import java.nio.file.Path;

/**
 * The admin token with which an empty installation starts.
 *
 * @param origin where it comes from; the caller prints one that was {@link Origin#CREATED}
 */
public record FirstToken(Secret token, Origin origin) {

  /** Where the token comes from. */
  public enum Origin {
    /** {@code SLUICE_TOKEN}. */
    ENVIRONMENT,
    /** The file of an earlier start. */
    FILE,
    /** Made just now, and written to the file. */
    CREATED
  }

  /**
   * Takes the token that the operator chose; without one, that of the file; without that, makes one
   * and writes it to the file, which only its owner may read.
   *
   * @param chosen from {@link Tokens#chosen}; null: none
   * @throws IllegalArgumentException when the token in the file does not keep the rules of {@link
   *     Tokens}
   * @throws VaultException when the file cannot be used
   */
  public static FirstToken resolve(Secret chosen, Path file) {
    if (chosen != null) {
      return new FirstToken(chosen, Origin.ENVIRONMENT);
    }
    OwnerOnlyFile stored = new OwnerOnlyFile(file);
    if (stored.exists()) {
      return new FirstToken(
          Tokens.chosen(stored.read().strip(), stored.path().toString()), Origin.FILE);
    }
    Secret made = Tokens.generate();
    String content = stored.update(now -> now == null ? made.reveal() + "\n" : now).strip();
    return content.equals(made.reveal())
        ? new FirstToken(made, Origin.CREATED)
        : new FirstToken(Tokens.chosen(content, stored.path().toString()), Origin.FILE);
  }
}
