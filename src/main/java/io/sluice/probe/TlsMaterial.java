package io.sluice.probe;

import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Secret;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Certificates and keys from PEM text (RFC 7468), parsed in memory; nothing here opens a path or a
 * URL. What was parsed is kept under the digest of its text, as the same settings are tested again
 * and again.
 */
final class TlsMaterial {
  private static final int MAX_CACHED = 256;
  private static final int MAX_CERTIFICATES = 200;
  private static final String BEGIN_CERTIFICATE = "-----BEGIN CERTIFICATE-----";

  private static final Map<String, X509ExtendedTrustManager> TRUST =
      Collections.synchronizedMap(new LastUsed<>(MAX_CACHED));
  private static final Map<String, KeyManager[]> KEYS =
      Collections.synchronizedMap(new LastUsed<>(MAX_CACHED));

  private TlsMaterial() {}

  /** PEM text of the sender's that cannot be used. The message is a hint for the sender. */
  static final class Unusable extends Exception {
    private static final long serialVersionUID = 1L;
    private final Reason reason;
    private final Field field;

    Unusable(Reason reason, Field field, String hint) {
      super(hint, null, false, false);
      this.reason = reason;
      this.field = field;
    }

    Reason reason() {
      return reason;
    }

    Field field() {
      return field;
    }
  }

  /**
   * @param authorities null: the JVM's
   */
  static X509ExtendedTrustManager trust(String authorities)
      throws Unusable, GeneralSecurityException {
    String key = authorities == null ? "jvm" : digest(authorities);
    X509ExtendedTrustManager known = TRUST.get(key);
    if (known != null) {
      return known;
    }
    KeyStore store = null;
    if (authorities != null) {
      store = emptyStore();
      int n = 0;
      for (X509Certificate certificate :
          certificates(authorities, Reason.TLS_UNTRUSTED, Field.SSL_CA)) {
        store.setCertificateEntry("ca" + n++, certificate);
      }
    }
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509ExtendedTrustManager trust) {
        TRUST.put(key, trust);
        return trust;
      }
    }
    throw new GeneralSecurityException("No X.509 trust manager.");
  }

  /**
   * @param chain the client's certificate chain; null: none
   * @param secret its private key; null: none
   * @param passphrase of the key, where it is encrypted; null: none
   * @return empty without a client certificate
   */
  static KeyManager[] keys(String chain, Secret secret, Secret passphrase)
      throws Unusable, GeneralSecurityException {
    if (chain == null && secret == null) {
      return new KeyManager[0];
    }
    if (chain == null) {
      throw unusable(Field.CERTIFICATE, "A keyfile needs a certificate beside it.");
    }
    if (secret == null) {
      throw unusable(Field.KEYFILE, "A certificate needs its private key in keyfile.");
    }
    String cacheKey =
        digest(
            chain
                + '\0'
                + secret.reveal()
                + '\0'
                + (passphrase == null ? "" : passphrase.reveal()));
    KeyManager[] known = KEYS.get(cacheKey);
    if (known != null) {
      return known.clone();
    }
    List<X509Certificate> certificates = chain(chain);
    PrivateKey key = privateKey(secret, passphrase);
    if (!belongTogether(key, certificates.get(0).getPublicKey())) {
      throw unusable(Field.KEYFILE, "The keyfile is not the certificate's private key.");
    }
    KeyManager[] managers = {new OneIdentity(certificates.toArray(new X509Certificate[0]), key)};
    KEYS.put(cacheKey, managers);
    return managers.clone();
  }

  /** Shows no certificate, and notes that the server asked for one. */
  static KeyManager none(TlsOutcome outcome) {
    return new NoIdentity(outcome);
  }

  /** The client's certificate chain without its key. */
  static List<X509Certificate> chain(String pem) throws Unusable {
    return certificates(pem, Reason.TLS_CLIENT_CERT_REFUSED, Field.CERTIFICATE);
  }

  private static List<X509Certificate> certificates(String pem, Reason reason, Field field)
      throws Unusable {
    if (!pem.contains(BEGIN_CERTIFICATE)) {
      throw new Unusable(reason, field, "Send PEM text that begins with " + BEGIN_CERTIFICATE);
    }
    List<X509Certificate> certificates = new ArrayList<>();
    try {
      for (Certificate each :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(
                  new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8)))) {
        certificates.add((X509Certificate) each);
      }
    } catch (CertificateException | RuntimeException e) {
      throw new Unusable(reason, field, "A certificate in the PEM text cannot be read.");
    }
    if (certificates.isEmpty() || certificates.size() > MAX_CERTIFICATES) {
      throw new Unusable(
          reason, field, "Send from 1 to " + MAX_CERTIFICATES + " certificates as PEM text.");
    }
    return certificates;
  }

  /**
   * PKCS#8, PKCS#1 and SEC 1 keys, plain or encrypted. Blocks as {@link PrivateKeyText} does.
   *
   * @param passphrase null: none. That of a key that is not encrypted is not used.
   */
  static PrivateKey privateKey(Secret secret, Secret passphrase) throws Unusable {
    try {
      return PrivateKeyText.privateKey(secret, passphrase);
    } catch (PrivateKeyText.Unusable e) {
      throw switch (e.problem()) {
        case PASSPHRASE_MISSING ->
            unusable(
                Field.KEYFILE_PASSWORD,
                "The keyfile is encrypted: send its passphrase in keyfilePassword.");
        case PASSPHRASE_WRONG ->
            unusable(Field.KEYFILE_PASSWORD, "The passphrase does not open the keyfile.");
        case TOO_COSTLY -> unusable(Field.KEYFILE, e.getMessage());
        case NO_KEY -> unusable(Field.KEYFILE, "There is no private key in the PEM text.");
        case UNREADABLE, RSA_TOO_SHORT ->
            unusable(Field.KEYFILE, "The key cannot be read. Send PEM text.");
      };
    }
  }

  private static boolean belongTogether(PrivateKey key, PublicKey certified) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC", "ECDSA" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    try {
      byte[] sample = {1, 2, 3};
      Signature signer = Signature.getInstance(algorithm);
      signer.initSign(key);
      signer.update(sample);
      byte[] signature = signer.sign();
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(certified);
      verifier.update(sample);
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static Unusable unusable(Field field, String hint) {
    return new Unusable(Reason.TLS_CLIENT_CERT_REFUSED, field, hint);
  }

  /**
   * Shows the sender's certificate to every server that asks for one. The JDK's own manager would
   * keep it back from a server that names other authorities, and the test would then blame the
   * login.
   */
  private static final class OneIdentity extends X509ExtendedKeyManager {
    private static final String ALIAS = "client";

    private final X509Certificate[] chain;
    private final PrivateKey key;

    OneIdentity(X509Certificate[] chain, PrivateKey key) {
      this.chain = chain;
      this.key = key;
    }

    @Override
    public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
      return Arrays.asList(keyTypes).contains(key.getAlgorithm()) ? ALIAS : null;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal[] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return chain.clone();
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key;
    }

    @Override
    public String[] getServerAliases(String keyType, Principal[] issuers) {
      return new String[0];
    }

    @Override
    public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
      return null;
    }
  }

  private static final class NoIdentity extends X509ExtendedKeyManager {
    private final TlsOutcome outcome;

    NoIdentity(TlsOutcome outcome) {
      this.outcome = outcome;
    }

    @Override
    public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
      outcome.askForCertificate();
      return null;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal[] issuers) {
      return new String[0];
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return new X509Certificate[0];
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return null;
    }

    @Override
    public String[] getServerAliases(String keyType, Principal[] issuers) {
      return new String[0];
    }

    @Override
    public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
      return null;
    }
  }

  private static KeyStore emptyStore() throws GeneralSecurityException {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      return store;
    } catch (IOException e) {
      throw new GeneralSecurityException(e);
    }
  }

  private static String digest(String text) throws GeneralSecurityException {
    return HexFormat.of()
        .formatHex(
            MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }
}
