package io.sluice.servers;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.crypto.util.PBKDF2Config;
import org.bouncycastle.crypto.util.PBKDFConfig;
import org.bouncycastle.crypto.util.ScryptConfig;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.MiscPEMGenerator;
import org.bouncycastle.openssl.PEMEncryptor;
import org.bouncycastle.openssl.PKCS8Generator;
import org.bouncycastle.openssl.jcajce.JcaMiscPEMGenerator;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8EncryptorBuilder;
import org.bouncycastle.openssl.jcajce.JcePEMEncryptorBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcePKCSPBEOutputEncryptorBuilder;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemObjectGenerator;

/**
 * A certificate authority of a test: certificates for servers and clients, good ones and each kind
 * of bad one, with keys in every PEM form that a sender may have.
 */
public final class TestCa {
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The kinds of key in use; {@code EC} is P-256. */
  public enum KeyKind {
    EC("SHA256withECDSA"),
    RSA("SHA256withRSA"),
    ED25519("Ed25519");

    private final String signature;

    KeyKind(String signature) {
      this.signature = signature;
    }

    public KeyPair generate() {
      try {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(name());
        switch (this) {
          case EC -> generator.initialize(new ECGenParameterSpec("secp256r1"));
          case RSA -> generator.initialize(2048);
          case ED25519 -> {}
        }
        return generator.generateKeyPair();
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private final X500Name name;
  private final KeyKind kind;
  private final KeyPair keys;
  private final X509Certificate certificate;
  private final List<X509Certificate> above;

  private TestCa(String commonName, KeyKind kind, TestCa issuer) {
    this.name = nameOf(commonName);
    this.kind = kind;
    this.keys = kind.generate();
    Instant now = Instant.now();
    Request self =
        new Request(issuer == null ? this : issuer, commonName)
            .validFrom(now.minus(Duration.ofDays(1)))
            .validTo(now.plus(Duration.ofDays(3650)));
    this.certificate = self.sign(keys, new BasicConstraints(true), null);
    this.above = issuer == null ? List.of() : issuer.chain();
  }

  /** An authority with a certificate that it signed itself. */
  public static TestCa create(String commonName) {
    return new TestCa(commonName, KeyKind.EC, null);
  }

  /** As {@link #create(String)}, with another kind of key. */
  public static TestCa create(String commonName, KeyKind kind) {
    return new TestCa(commonName, kind, null);
  }

  /** An authority whose certificate this one signs. */
  public TestCa intermediate(String commonName) {
    return new TestCa(commonName, kind, this);
  }

  public String certificatePem() {
    return pem(miscellaneous(certificate));
  }

  public X509Certificate certificate() {
    return certificate;
  }

  /** A good server certificate for these host names and addresses. */
  public Issued server(String... hosts) {
    return request(hosts[0]).hosts(hosts).server();
  }

  /** A good server certificate of a host that no test server has. */
  public Issued wrongHost() {
    return server("elsewhere.example");
  }

  /** A server certificate for these hosts whose time is over. */
  public Issued expired(String... hosts) {
    Instant now = Instant.now();
    return request(hosts[0])
        .hosts(hosts)
        .validFrom(now.minus(Duration.ofDays(20)))
        .validTo(now.minus(Duration.ofDays(1)))
        .server();
  }

  /** A server certificate for these hosts whose time has not come. */
  public Issued notYetValid(String... hosts) {
    Instant now = Instant.now();
    return request(hosts[0])
        .hosts(hosts)
        .validFrom(now.plus(Duration.ofDays(1)))
        .validTo(now.plus(Duration.ofDays(20)))
        .server();
  }

  /** A server certificate for these hosts that is signed with its own key. */
  public static Issued selfSigned(String... hosts) {
    TestCa self = create(hosts[0]);
    X509Certificate certificate =
        self.request(hosts[0])
            .hosts(hosts)
            .sign(self.keys, new BasicConstraints(false), KeyPurposeId.id_kp_serverAuth);
    return new Issued(self, self.keys, List.of(certificate));
  }

  /** A good client certificate under this common name. */
  public Issued client(String commonName) {
    return request(commonName).client();
  }

  /** A certificate in every detail; ends with {@code server()} or {@code client()}. */
  public Request request(String commonName) {
    return new Request(this, commonName);
  }

  private List<X509Certificate> chain() {
    List<X509Certificate> chain = new ArrayList<>(List.of(certificate));
    chain.addAll(above);
    return chain;
  }

  private static X500Name nameOf(String commonName) {
    return new X500NameBuilder().addRDN(BCStyle.CN, commonName).build();
  }

  /** The details of one certificate: EC key, no host, valid from yesterday for a year. */
  public static final class Request {
    private final TestCa issuer;
    private final String commonName;
    private final List<GeneralName> hosts = new ArrayList<>();
    private KeyKind kind = KeyKind.EC;
    private Instant validFrom = Instant.now().minus(Duration.ofDays(1));
    private Instant validTo = Instant.now().plus(Duration.ofDays(365));

    private Request(TestCa issuer, String commonName) {
      this.issuer = issuer;
      this.commonName = commonName;
    }

    /** Subject alternative names: addresses as iPAddress, everything else as dNSName. */
    public Request hosts(String... names) {
      for (String host : names) {
        boolean address = host.indexOf(':') >= 0 || host.matches("[0-9.]+");
        hosts.add(new GeneralName(address ? GeneralName.iPAddress : GeneralName.dNSName, host));
      }
      return this;
    }

    public Request key(KeyKind value) {
      kind = value;
      return this;
    }

    public Request validFrom(Instant value) {
      validFrom = value;
      return this;
    }

    public Request validTo(Instant value) {
      validTo = value;
      return this;
    }

    public Issued server() {
      return issue(KeyPurposeId.id_kp_serverAuth);
    }

    public Issued client() {
      return issue(KeyPurposeId.id_kp_clientAuth);
    }

    private Issued issue(KeyPurposeId purpose) {
      KeyPair subject = kind.generate();
      List<X509Certificate> chain = new ArrayList<>();
      chain.add(sign(subject, new BasicConstraints(false), purpose));
      if (!issuer.above.isEmpty()) {
        chain.addAll(issuer.chain().subList(0, issuer.chain().size() - 1));
      }
      return new Issued(issuer, subject, chain);
    }

    private X509Certificate sign(KeyPair subject, BasicConstraints basic, KeyPurposeId purpose) {
      try {
        JcaX509v3CertificateBuilder builder =
            new JcaX509v3CertificateBuilder(
                issuer.name,
                new BigInteger(100, RANDOM),
                Date.from(validFrom),
                Date.from(validTo),
                nameOf(commonName),
                subject.getPublic());
        builder.addExtension(Extension.basicConstraints, true, basic);
        if (purpose == null) {
          builder.addExtension(
              Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        } else {
          builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
        }
        if (!hosts.isEmpty()) {
          builder.addExtension(
              Extension.subjectAlternativeName,
              false,
              new GeneralNames(hosts.toArray(GeneralName[]::new)));
        }
        return new JcaX509CertificateConverter()
            .getCertificate(
                builder.build(
                    new JcaContentSignerBuilder(issuer.kind.signature)
                        .build(issuer.keys.getPrivate())));
      } catch (OperatorCreationException | CertIOException | GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** A certificate with its private key and the authorities between it and the root. */
  public static final class Issued {
    private final TestCa issuer;
    private final KeyPair keys;
    private final List<X509Certificate> chain;

    private Issued(TestCa issuer, KeyPair keys, List<X509Certificate> chain) {
      this.issuer = issuer;
      this.keys = keys;
      this.chain = List.copyOf(chain);
    }

    public X509Certificate certificate() {
      return chain.get(0);
    }

    public PrivateKey key() {
      return keys.getPrivate();
    }

    /** The certificate and the intermediate ones, leaf first, without the root. */
    public String certificatePem() {
      StringBuilder text = new StringBuilder();
      chain.forEach(link -> text.append(pem(miscellaneous(link))));
      return text.toString();
    }

    /** PKCS#8, not encrypted: {@code BEGIN PRIVATE KEY}. */
    public String keyPem() {
      return pem(new PemObject("PRIVATE KEY", key().getEncoded()));
    }

    /**
     * The older form of the key's kind, PKCS#1 ({@code BEGIN RSA PRIVATE KEY}) or SEC 1 ({@code
     * BEGIN EC PRIVATE KEY}). Ed25519 has none.
     */
    public String keyTraditionalPem() {
      if (key() instanceof java.security.interfaces.ECPrivateKey ec) {
        try {
          return pem(new PemObject("EC PRIVATE KEY", sec1(ec).getEncoded()));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      return pem(miscellaneous(key()));
    }

    /** With curve and public half, as OpenSSL writes it; the JDK's own encoding has neither. */
    private org.bouncycastle.asn1.sec.ECPrivateKey sec1(java.security.interfaces.ECPrivateKey ec) {
      byte[] point =
          SubjectPublicKeyInfo.getInstance(keys.getPublic().getEncoded())
              .getPublicKeyData()
              .getBytes();
      return new org.bouncycastle.asn1.sec.ECPrivateKey(
          256, ec.getS(), new DERBitString(point), SECObjectIdentifiers.secp256r1);
    }

    /** PKCS#8 under a password: {@code BEGIN ENCRYPTED PRIVATE KEY}, PBES2 with AES-256. */
    public String keyEncryptedPem(String password) {
      try {
        return pem(
            new JcaPKCS8Generator(
                key(),
                new JceOpenSSLPKCS8EncryptorBuilder(PKCS8Generator.AES_256_CBC)
                    .setProvider(new BouncyCastleProvider())
                    .setPassword(password.toCharArray())
                    .build()));
      } catch (OperatorCreationException | IOException e) {
        throw new IllegalStateException(e);
      }
    }

    /** PKCS#8 under a password from which PBKDF2 (HMAC-SHA-256) makes the key in these rounds. */
    public String keyPbkdf2Pem(String password, int rounds) {
      return keyUnder(
          new PBKDF2Config.Builder()
              .withIterationCount(rounds)
              .withPRF(PBKDF2Config.PRF_SHA256)
              .build(),
          password);
    }

    /** PKCS#8 under a password from which scrypt (RFC 7914) makes the key at this cost. */
    public String keyScryptPem(String password, int cost, int blockSize) {
      return keyUnder(new ScryptConfig.Builder(cost, blockSize, 1).build(), password);
    }

    private String keyUnder(PBKDFConfig derivation, String password) {
      try {
        return pem(
            new JcaPKCS8Generator(
                key(),
                new JcePKCSPBEOutputEncryptorBuilder(
                        derivation, NISTObjectIdentifiers.id_aes256_CBC)
                    .setProvider(new BouncyCastleProvider())
                    .build(password.toCharArray())));
      } catch (OperatorCreationException | IOException e) {
        throw new IllegalStateException(e);
      }
    }

    /** The older form under a password, with the {@code DEK-Info} header. */
    public String keyTraditionalEncryptedPem(String password) {
      PEMEncryptor encryptor =
          new JcePEMEncryptorBuilder("AES-256-CBC")
              .setProvider(new BouncyCastleProvider())
              .build(password.toCharArray());
      try {
        if (key() instanceof java.security.interfaces.ECPrivateKey ec) {
          PrivateKeyInfo info = PrivateKeyInfo.getInstance(key().getEncoded());
          return pem(
              new MiscPEMGenerator(
                  new PrivateKeyInfo(info.getPrivateKeyAlgorithm(), sec1(ec)), encryptor));
        }
        return pem(new JcaMiscPEMGenerator(key(), encryptor));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** For a server or a client that a test writes itself; it trusts the issuing authority. */
    public SSLContext sslContext() {
      try {
        char[] none = new char[0];
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, none);
        own.setKeyEntry("own", key(), none, chain.toArray(X509Certificate[]::new));
        KeyManagerFactory keyManagers =
            KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keyManagers.init(own, none);
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, none);
        trusted.setCertificateEntry("ca", issuer.certificate);
        TrustManagerFactory trustManagers =
            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trustManagers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
        return context;
      } catch (GeneralSecurityException | IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static PemObjectGenerator miscellaneous(Object object) {
    try {
      return new JcaMiscPEMGenerator(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String pem(PemObjectGenerator object) {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }
}
