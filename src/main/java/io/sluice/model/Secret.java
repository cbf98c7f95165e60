package io.sluice.model;

import com.fasterxml.jackson.annotation.JsonValue;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * A password, key or token. It reads {@value #MASK} wherever it is turned into text by accident,
 * and Jackson refuses to write it; only {@link #reveal()} gives the value, so that every use is
 * easy to find.
 */
public final class Secret {
  /** What a set secret looks like to a reader; sent back by a client, it means "keep". */
  public static final String MASK = "********";

  private final String value;

  private Secret(String value) {
    this.value = value;
  }

  /**
   * @throws IllegalArgumentException when empty: an empty secret is the absence of one
   */
  public static Secret of(String value) {
    if (value.isEmpty()) {
      throw new IllegalArgumentException("A secret must not be empty; leave it out instead.");
    }
    return new Secret(value);
  }

  public String reveal() {
    return value;
  }

  /** Always throws: a secret has no JSON form. */
  @JsonValue
  String refuseJson() {
    throw new IllegalStateException("A secret was about to be written as JSON.");
  }

  /** Takes the same time whichever character differs. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Secret that
        && MessageDigest.isEqual(
            value.getBytes(StandardCharsets.UTF_8), that.value.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  @Override
  public String toString() {
    return MASK;
  }
}
