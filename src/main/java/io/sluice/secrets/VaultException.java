package io.sluice.secrets;

/**
 * The key file cannot be used, or a ciphertext does not open. The message is a sentence for the
 * operator: it names files and key ids, never key material, plain text or ciphertext. There is no
 * cause, because the texts of parsers quote what they read.
 */
public final class VaultException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  VaultException(String message) {
    super(message);
  }
}
