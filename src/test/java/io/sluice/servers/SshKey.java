package io.sluice.servers;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyEncryptionContext;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;

/** A key of an SSH host or user, in every form in which one is written down. */
public final class SshKey {
  private final KeyPair keys;

  private SshKey(String type, int bits) {
    try {
      keys = KeyUtils.generateKeyPair(type, bits);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public static SshKey ed25519() {
    return new SshKey("ssh-ed25519", 256);
  }

  public static SshKey ecdsa() {
    return new SshKey("ecdsa-sha2-nistp256", 256);
  }

  public static SshKey rsa() {
    return new SshKey("ssh-rsa", 2048);
  }

  public KeyPair keyPair() {
    return keys;
  }

  /** {@code type base64}, as in known_hosts after the host and in authorized_keys. */
  public String publicLine() {
    return PublicKeyEntry.toString(keys.getPublic());
  }

  /** {@code SHA256:base64}. */
  public String fingerprint() {
    return KeyUtils.getFingerPrint(keys.getPublic());
  }

  /** {@code BEGIN OPENSSH PRIVATE KEY}, not encrypted. */
  public String privateOpenSsh() {
    return privateOpenSsh((OpenSSHKeyEncryptionContext) null);
  }

  /** {@code BEGIN OPENSSH PRIVATE KEY} under a passphrase (AES-256-CTR, bcrypt). */
  public String privateOpenSsh(String passphrase) {
    OpenSSHKeyEncryptionContext context = new OpenSSHKeyEncryptionContext();
    context.setCipherType("256");
    context.setPassword(passphrase);
    return privateOpenSsh(context);
  }

  /** The PEM form of older tools: PKCS#1 for RSA, SEC 1 for ECDSA. */
  public String privateTraditional() {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(keys.getPrivate());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  private String privateOpenSsh(OpenSSHKeyEncryptionContext context) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try {
      OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(keys, "test", context, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
    return text.toString(StandardCharsets.US_ASCII);
  }
}
