package io.sluice.probe;

import io.sluice.model.Secret;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.ECPoint;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.Semaphore;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.cipher.ECCurves;
import org.apache.sshd.common.config.keys.FilePasswordProvider;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.misc.MiscObjectIdentifiers;
import org.bouncycastle.asn1.misc.ScryptParams;
import org.bouncycastle.asn1.pkcs.KeyDerivationFunc;
import org.bouncycastle.asn1.pkcs.PBES2Parameters;
import org.bouncycastle.asn1.pkcs.PBKDF2Params;
import org.bouncycastle.asn1.pkcs.PKCS12PBEParams;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x9.ECNamedCurveTable;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcePEMDecryptorProviderBuilder;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcePKCSPBEInputDecryptorProviderBuilder;

/**
 * Private keys as senders have them, for TLS and for SSH: PEM as PKCS#1 (RFC 8017), SEC 1 (RFC
 * 5915) and PKCS#8 (RFC 5958), and OpenSSH's own format; each plain or under a passphrase (RFC 1421
 * {@code DEK-Info}, PKCS#5 and PKCS#12 schemes, bcrypt).
 *
 * <p>Parsed in memory. A text chooses how costly its decryption is, so the cost is looked at first,
 * and whoever has to decrypt one while two are at it waits. No exception of this class holds a part
 * of the text.
 */
final class PrivateKeyText {
  /** Bits. Less can be factored by somebody who takes the trouble (NIST SP 800-131A). */
  static final int MIN_RSA_BITS = 2048;

  /** Rounds of a key derivation; about a second of one core. */
  private static final int MAX_ITERATIONS = 1_000_000;

  /** Bytes that scrypt fills: 128 N r (RFC 7914). */
  private static final long MAX_SCRYPT_BYTES = 64L * 1024 * 1024;

  private static final int MAX_SCRYPT_PARALLEL = 16;

  /** A sender chooses what a decryption costs, up to these limits: not all at once. */
  private static final Semaphore DECRYPTIONS = new Semaphore(2);

  private static final String OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----";
  private static final Set<String> SSH_TYPES =
      Set.of(
          KeyPairProvider.SSH_RSA,
          KeyPairProvider.SSH_ED25519,
          KeyPairProvider.ECDSA_SHA2_NISTP256,
          KeyPairProvider.ECDSA_SHA2_NISTP384,
          KeyPairProvider.ECDSA_SHA2_NISTP521);

  /** Used without registering it, so that the rest of the JVM keeps its own providers. */
  private static final Provider CIPHERS = new BouncyCastleProvider();

  private PrivateKeyText() {}

  /** What is wrong with a text, as a hint for its sender. */
  enum Problem {
    NO_KEY("Send a private key as OpenSSH or PEM text, not a path."),
    UNREADABLE("The private key is damaged or of a kind that is not supported."),
    TOO_COSTLY("The key's encryption takes too much work: encrypt it with fewer iterations."),
    RSA_TOO_SHORT("An RSA key needs at least " + MIN_RSA_BITS + " bits: use a new key."),
    PASSPHRASE_MISSING("The private key is encrypted and needs its passphrase."),
    PASSPHRASE_WRONG("The passphrase does not open the private key.");

    private final String hint;

    Problem(String hint) {
      this.hint = hint;
    }

    String hint() {
      return hint;
    }

    /** Whether the key itself may be good. */
    boolean ofPassphrase() {
      return this == PASSPHRASE_MISSING || this == PASSPHRASE_WRONG;
    }
  }

  /** A text that is not usable. The message is the problem's hint. */
  static final class Unusable extends Exception {
    private static final long serialVersionUID = 1L;
    private final Problem problem;

    Unusable(Problem problem) {
      super(problem.hint(), null, false, false);
      this.problem = problem;
    }

    Problem problem() {
      return problem;
    }
  }

  /**
   * The first key of a PEM text, for TLS.
   *
   * @param passphrase null: none
   */
  static PrivateKey privateKey(Secret text, Secret passphrase) throws Unusable {
    try {
      return converter().getPrivateKey(pem(text, passphrase));
    } catch (IOException | RuntimeException e) {
      throw new Unusable(Problem.UNREADABLE);
    }
  }

  /**
   * The first key of a text, with its public half, for SSH: RSA, ECDSA on the three NIST curves, or
   * Ed25519.
   *
   * @param passphrase null: none
   */
  static KeyPair keyPair(Secret text, Secret passphrase) throws Unusable {
    KeyPair pair;
    try {
      pair =
          text.reveal().contains(OPENSSH)
              ? openSsh(text, passphrase)
              : completed(pem(text, passphrase));
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw new Unusable(Problem.UNREADABLE);
    }
    if (!SSH_TYPES.contains(KeyUtils.getKeyType(pair))) {
      throw new Unusable(Problem.UNREADABLE);
    }
    if (pair.getPrivate() instanceof RSAKey rsa && rsa.getModulus().bitLength() < MIN_RSA_BITS) {
      throw new Unusable(Problem.RSA_TOO_SHORT);
    }
    return pair;
  }

  private static JcaPEMKeyConverter converter() {
    JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
    // The JDK knows the algorithm by this name only.
    converter.setAlgorithmMapping(X9ObjectIdentifiers.id_ecPublicKey, "EC");
    return converter;
  }

  private static KeyPair openSsh(Secret text, Secret passphrase) throws Unusable {
    boolean[] asked = {false};
    FilePasswordProvider provider =
        (session, resource, retry) -> {
          asked[0] = true;
          return passphrase == null ? null : passphrase.reveal();
        };
    boolean decrypts = passphrase != null;
    if (decrypts) {
      DECRYPTIONS.acquireUninterruptibly();
    }
    try {
      Iterable<KeyPair> pairs =
          SecurityUtils.loadKeyPairIdentities(
              null,
              NamedResource.ofName("sshIdentity"),
              new ByteArrayInputStream(text.reveal().getBytes(StandardCharsets.UTF_8)),
              provider);
      Iterator<KeyPair> first = pairs == null ? null : pairs.iterator();
      if (first != null && first.hasNext()) {
        return first.next();
      }
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      // Judged below; the exception may quote the text.
    } finally {
      if (decrypts) {
        DECRYPTIONS.release();
      }
    }
    if (!asked[0]) {
      throw new Unusable(Problem.UNREADABLE);
    }
    throw new Unusable(passphrase == null ? Problem.PASSPHRASE_MISSING : Problem.PASSPHRASE_WRONG);
  }

  private static PrivateKeyInfo pem(Secret text, Secret passphrase) throws Unusable {
    try (PEMParser parser = new PEMParser(new StringReader(text.reveal()))) {
      for (Object each = parser.readObject(); each != null; each = parser.readObject()) {
        if (each instanceof PrivateKeyInfo info) {
          return info;
        }
        if (each instanceof PEMKeyPair pair) {
          return pair.getPrivateKeyInfo();
        }
        if (each instanceof PEMEncryptedKeyPair pair) {
          return decrypted(pair, passphrase);
        }
        if (each instanceof PKCS8EncryptedPrivateKeyInfo info) {
          return decrypted(info, passphrase);
        }
      }
    } catch (IOException | RuntimeException e) {
      throw new Unusable(Problem.UNREADABLE);
    }
    throw new Unusable(Problem.NO_KEY);
  }

  private static PrivateKeyInfo decrypted(PEMEncryptedKeyPair pair, Secret passphrase)
      throws Unusable {
    char[] characters = characters(passphrase);
    DECRYPTIONS.acquireUninterruptibly();
    try {
      return pair.decryptKeyPair(
              new JcePEMDecryptorProviderBuilder().setProvider(CIPHERS).build(characters))
          .getPrivateKeyInfo();
    } catch (IOException | RuntimeException e) {
      throw new Unusable(Problem.PASSPHRASE_WRONG);
    } finally {
      DECRYPTIONS.release();
    }
  }

  private static PrivateKeyInfo decrypted(PKCS8EncryptedPrivateKeyInfo info, Secret passphrase)
      throws Unusable {
    boolean affordable;
    try {
      affordable = affordable(info.toASN1Structure().getEncryptionAlgorithm());
    } catch (RuntimeException e) {
      throw new Unusable(Problem.UNREADABLE);
    }
    if (!affordable) {
      throw new Unusable(Problem.TOO_COSTLY);
    }
    char[] characters = characters(passphrase);
    DECRYPTIONS.acquireUninterruptibly();
    try {
      return info.decryptPrivateKeyInfo(
          new JcePKCSPBEInputDecryptorProviderBuilder().setProvider(CIPHERS).build(characters));
    } catch (PKCSException | RuntimeException e) {
      throw new Unusable(Problem.PASSPHRASE_WRONG);
    } finally {
      DECRYPTIONS.release();
    }
  }

  private static char[] characters(Secret passphrase) throws Unusable {
    if (passphrase == null) {
      throw new Unusable(Problem.PASSPHRASE_MISSING);
    }
    return passphrase.reveal().toCharArray();
  }

  private static boolean affordable(AlgorithmIdentifier algorithm) {
    ASN1ObjectIdentifier scheme = algorithm.getAlgorithm();
    ASN1Encodable parameters = algorithm.getParameters();
    if (!scheme.equals(PKCSObjectIdentifiers.id_PBES2)) {
      // The schemes of PKCS#12 and PKCS#5 v1 share the form: salt, iterations.
      return few(PKCS12PBEParams.getInstance(parameters).getIterations());
    }
    PBES2Parameters pbes2 = PBES2Parameters.getInstance(parameters);
    KeyDerivationFunc derivation = pbes2.getKeyDerivationFunc();
    if (derivation.getAlgorithm().equals(MiscObjectIdentifiers.id_scrypt)) {
      ScryptParams scrypt = ScryptParams.getInstance(derivation.getParameters());
      BigInteger bytes = scrypt.getCostParameter().multiply(scrypt.getBlockSize()).shiftLeft(7);
      return bytes.signum() > 0
          && bytes.compareTo(BigInteger.valueOf(MAX_SCRYPT_BYTES)) <= 0
          && scrypt.getParallelizationParameter().compareTo(BigInteger.valueOf(MAX_SCRYPT_PARALLEL))
              <= 0;
    }
    return few(PBKDF2Params.getInstance(derivation.getParameters()).getIterationCount());
  }

  private static boolean few(BigInteger iterations) {
    return iterations.signum() > 0 && iterations.compareTo(BigInteger.valueOf(MAX_ITERATIONS)) <= 0;
  }

  /** Adds the public half, which PEM may leave out and SSH offers first. */
  private static KeyPair completed(PrivateKeyInfo info)
      throws IOException, GeneralSecurityException {
    if (info.getPrivateKeyAlgorithm().getAlgorithm().equals(EdECObjectIdentifiers.id_Ed25519)) {
      byte[] seed = ASN1OctetString.getInstance(info.parsePrivateKey()).getOctets();
      PrivateKey key = SecurityUtils.generateEDDSAPrivateKey(KeyPairProvider.SSH_ED25519, seed);
      return new KeyPair(SecurityUtils.recoverEDDSAPublicKey(key), key);
    }
    PrivateKey key = converter().getPrivateKey(info);
    if (key instanceof RSAPrivateCrtKey rsa) {
      RSAPublicKeySpec half = new RSAPublicKeySpec(rsa.getModulus(), rsa.getPublicExponent());
      return new KeyPair(KeyFactory.getInstance("RSA").generatePublic(half), key);
    }
    if (key instanceof ECPrivateKey ec) {
      return onNamedCurve(ec);
    }
    throw new GeneralSecurityException("A key of another kind.");
  }

  /** Some tools write the curve's numbers instead of its name. */
  private static KeyPair onNamedCurve(ECPrivateKey key) throws GeneralSecurityException {
    ECCurves curve = ECCurves.fromECKey(key);
    if (curve == null) {
      throw new GeneralSecurityException("A curve of another kind.");
    }
    org.bouncycastle.math.ec.ECPoint q =
        ECNamedCurveTable.getByOID(new ASN1ObjectIdentifier(curve.getOID()))
            .getG()
            .multiply(key.getS())
            .normalize();
    ECPoint point =
        new ECPoint(q.getAffineXCoord().toBigInteger(), q.getAffineYCoord().toBigInteger());
    KeyFactory factory = KeyFactory.getInstance("EC");
    return new KeyPair(
        factory.generatePublic(new ECPublicKeySpec(point, curve.getParameters())),
        factory.generatePrivate(new ECPrivateKeySpec(key.getS(), curve.getParameters())));
  }
}
