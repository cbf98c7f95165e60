package io.sluice.servers;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Provider;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyEncryptionContext;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.bouncycastle.asn1.pkcs.EncryptedPrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.KeyDerivationFunc;
import org.bouncycastle.asn1.pkcs.PBES2Parameters;
import org.bouncycastle.asn1.pkcs.PBKDF2Params;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PKCS8Generator;
import org.bouncycastle.openssl.jcajce.JcaMiscPEMGenerator;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8EncryptorBuilder;
import org.bouncycastle.openssl.jcajce.JcePEMEncryptorBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemObjectGenerator;
import org.bouncycastle.util.io.pem.PemWriter;

/** A key of an SSH host or user, in every form in which one is written down. */
public final class SshKey {
  private static final int ITERATIONS = 2048;
  private static final Provider CIPHERS = new BouncyCastleProvider();

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

  /**
   * @param bits 256, 384 or 521
   */
  public static SshKey ecdsa(int bits) {
    return new SshKey("ecdsa-sha2-nistp" + bits, bits);
  }

  public static SshKey rsa(int bits) {
    return new SshKey("ssh-rsa", bits);
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
    return pem(() -> new JcaMiscPEMGenerator(keys.getPrivate()));
  }

  /** As {@link #privateTraditional()}, under a passphrase ({@code DEK-Info}). */
  public String privateTraditional(String passphrase) {
    return pem(
        () ->
            new JcaMiscPEMGenerator(
                keys.getPrivate(),
                new JcePEMEncryptorBuilder("AES-128-CBC")
                    .setProvider(CIPHERS)
                    .build(passphrase.toCharArray())));
  }

  /** {@code BEGIN PRIVATE KEY}, as OpenSSL writes it. */
  public String privatePkcs8() {
    return pem(() -> new PKCS8Generator(privateKeyInfo(), null));
  }

  /** {@code BEGIN ENCRYPTED PRIVATE KEY} (PBES2, AES-256-CBC). */
  public String privatePkcs8(String passphrase) {
    return privatePkcs8(passphrase, ITERATIONS);
  }

  /**
   * @param claimed the iterations of PBKDF2 that the text names; another number than it was
   *     encrypted with makes it unreadable
   */
  public String privatePkcs8(String passphrase, int claimed) {
    try {
      OutputEncryptor encryptor =
          new JceOpenSSLPKCS8EncryptorBuilder(PKCS8Generator.AES_256_CBC)
              .setProvider(CIPHERS)
              .setPRF(PKCS8Generator.PRF_HMACSHA256)
              .setIterationCount(ITERATIONS)
              .setPassword(passphrase.toCharArray())
              .build();
      PemObject written = new PKCS8Generator(privateKeyInfo(), encryptor).generate();
      EncryptedPrivateKeyInfo info = EncryptedPrivateKeyInfo.getInstance(written.getContent());
      PBES2Parameters scheme =
          PBES2Parameters.getInstance(info.getEncryptionAlgorithm().getParameters());
      PBKDF2Params honest = PBKDF2Params.getInstance(scheme.getKeyDerivationFunc().getParameters());
      PBKDF2Params said = new PBKDF2Params(honest.getSalt(), claimed, honest.getPrf());
      EncryptedPrivateKeyInfo rewritten =
          new EncryptedPrivateKeyInfo(
              new AlgorithmIdentifier(
                  PKCSObjectIdentifiers.id_PBES2,
                  new PBES2Parameters(
                      new KeyDerivationFunc(PKCSObjectIdentifiers.id_PBKDF2, said),
                      scheme.getEncryptionScheme())),
              info.getEncryptedData());
      return pem(() -> new PemObject(written.getType(), rewritten.getEncoded()));
    } catch (OperatorCreationException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private PrivateKeyInfo privateKeyInfo() {
    PrivateKeyInfo info = PrivateKeyInfo.getInstance(keys.getPrivate().getEncoded());
    try {
      // Without the public half, which is optional.
      return new PrivateKeyInfo(info.getPrivateKeyAlgorithm(), info.parsePrivateKey());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A key on its way into PEM. */
  private interface Writing {
    PemObjectGenerator start() throws IOException;
  }

  private static String pem(Writing key) {
    StringWriter text = new StringWriter();
    try (PemWriter writer = new PemWriter(text)) {
      writer.writeObject(key.start());
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
