package io.sluice.secrets;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.Parameters;
import com.google.crypto.tink.RegistryConfiguration;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import com.google.crypto.tink.prf.PredefinedPrfParameters;
import com.google.crypto.tink.prf.PrfConfig;
import com.google.crypto.tink.prf.PrfSet;
import io.sluice.model.Secret;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Seals secrets for the store and makes their fingerprints. Safe for use by several threads.
 *
 * <p>The keys live in one file outside the store, of two Tink keysets: {@code sealing}
 * (XChaCha20-Poly1305: its 192-bit nonces may be random for as many messages as one likes) and
 * {@code fingerprint} (HMAC-SHA256 as a PRF). <b>The file holds the keys in clear</b>; what
 * protects it are the rights of its owner, which are checked. An operator with a key management
 * service or an encrypted volume lets that one provide the file at start, for instance on a memory
 * file system. Lose the file and every stored secret is lost with it; there is no other copy.
 *
 * <p>Rotation: {@link #rotate()} adds a key and seals with it from then on; older keys go on
 * opening. Instances that share the file notice the new key when they first meet it, and when they
 * {@link #refresh()}. {@link #newest} moves a ciphertext to the newest key, {@link #dropOldKeys}
 * ends the rotation. The fingerprint key stays: with another one every fingerprint and token hash
 * would change.
 *
 * <p>Every failure is a {@link VaultException}.
 */
public final class Vault {
  private static final String FORMAT = "v1.";
  private static final String SEALING = "sealing";
  private static final String FINGERPRINT = "fingerprint";

  /** What Tink puts before a ciphertext: one byte of format, four of key id. */
  private static final int KEY_ID_OFFSET = 1;

  private static final int PREFIX_BYTES = 5;
  private static final int FINGERPRINT_BYTES = 8;
  private static final int HASH_BYTES = 32;
  private static final ObjectMapper JSON = new ObjectMapper();

  static {
    try {
      AeadConfig.register();
      PrfConfig.register();
    } catch (GeneralSecurityException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** What a key may be used for; two purposes never share an input, so nor an output. */
  private enum Purpose {
    SECRET,
    PAYLOAD,
    FINGERPRINT,
    TOKEN,
    INSTALLATION
  }

  private final OwnerOnlyFile file;
  private volatile Keys keys;

  private Vault(OwnerOnlyFile file, Keys keys) {
    this.file = file;
    this.keys = keys;
  }

  /**
   * Reads the key file.
   *
   * @param createIfAbsent whether new keys may be made; in production they may not, because a
   *     mistyped path would then start an installation that cannot open what is stored
   * @throws VaultException when it is absent, damaged, or open to the group or the world
   */
  public static Vault open(Path keysetFile, boolean createIfAbsent) {
    OwnerOnlyFile file = new OwnerOnlyFile(keysetFile);
    if (!file.exists() && !createIfAbsent) {
      throw new VaultException(
          "There is no key file "
              + file.path()
              + ". Put the installation's key file there, or name it in SLUICE_KEYSET.");
    }
    String content =
        file.exists() ? file.read() : file.update(now -> now == null ? Keys.fresh().json() : now);
    return new Vault(file, Keys.parse(content, file.path()));
  }

  /** Seals a secret for one place. Two seals of one secret differ. */
  public String seal(Secret secret, SecretAddress address) {
    return encrypt(secret.reveal().getBytes(StandardCharsets.UTF_8), bound(address));
  }

  /** Opens what was sealed for the same place. */
  public Secret open(String sealed, SecretAddress address) {
    return Secret.of(new String(decrypt(sealed, bound(address)), StandardCharsets.UTF_8));
  }

  /**
   * Seals a whole payload, such as an update that waits in the inbox.
   *
   * @param context what it belongs to, such as the update's id; {@link #openBytes} needs the same
   */
  public String sealBytes(byte[] payload, String context) {
    return encrypt(payload, bound(Purpose.PAYLOAD, context));
  }

  public byte[] openBytes(String sealed, String context) {
    return decrypt(sealed, bound(Purpose.PAYLOAD, context));
  }

  /** Looks whether the file has changed, and uses what it holds from now on. */
  public synchronized void refresh() {
    keys = Keys.parse(file.read(), file.path());
  }

  /** The id of the key that seals. */
  public int newestKey() {
    return keys.sealing().getPrimary().getId();
  }

  /** Whether the file holds more than the key that seals. */
  public boolean holdsOlderKeys() {
    return keys.sealing().size() > 1;
  }

  /** Whether {@link #newest} would give another text. Reads nothing but the key's id. */
  public boolean sealedWithOldKey(String sealed) {
    return keyId(decode(sealed)) != newestKey();
  }

  /** The same secret, sealed with the newest key. */
  public String newest(String sealed, SecretAddress address) {
    return sealedWithOldKey(sealed) ? seal(open(sealed, address), address) : sealed;
  }

  /**
   * A short keyed hash: equal secrets have equal fingerprints in this installation, and without its
   * keys nobody can try guesses against one.
   */
  public String fingerprint(Secret secret) {
    return "hmac:" + HexFormat.of().formatHex(mac(Purpose.FINGERPRINT, secret, FINGERPRINT_BYTES));
  }

  /** The whole keyed hash by which a token is stored and found. */
  String tokenHash(Secret token) {
    return "hmac:" + HexFormat.of().formatHex(mac(Purpose.TOKEN, token, HASH_BYTES));
  }

  /** What tells these keys from those of another installation, whatever was rotated since. */
  public String mark() {
    return "hmac:"
        + HexFormat.of().formatHex(mac(Purpose.INSTALLATION, Secret.of("mark"), HASH_BYTES));
  }

  /** Adds a key to the file and seals with it from now on. */
  public synchronized void rotate() {
    String content = file.update(now -> parseExisting(now).withNewPrimary().json());
    keys = Keys.parse(content, file.path());
  }

  /**
   * Removes every sealing key but the newest. What is still sealed with one of them is lost.
   *
   * @param newest the key that the caller has seen as the newest
   * @throws VaultException when the file has another one by now
   */
  public synchronized void dropOldKeys(int newest) {
    String content =
        file.update(
            now -> {
              Keys held = parseExisting(now);
              if (held.sealing().getPrimary().getId() != newest) {
                throw new VaultException(
                    "A key was added to "
                        + file.path()
                        + " meanwhile, so that the others are needed.");
              }
              return held.withPrimaryOnly().json();
            });
    keys = Keys.parse(content, file.path());
  }

  private Keys parseExisting(String content) {
    if (content == null) {
      throw new VaultException("There is no key file " + file.path() + " any more.");
    }
    return Keys.parse(content, file.path());
  }

  private byte[] mac(Purpose purpose, Secret secret, int bytes) {
    try {
      return keys.prf().computePrimary(bound(purpose, secret.reveal()), bytes);
    } catch (GeneralSecurityException e) {
      throw new VaultException("The keyed hash failed (" + e.getClass().getSimpleName() + ").");
    }
  }

  private String encrypt(byte[] plain, byte[] bound) {
    try {
      byte[] sealed = keys.aead().encrypt(plain, bound);
      return FORMAT + Base64.getUrlEncoder().withoutPadding().encodeToString(sealed);
    } catch (GeneralSecurityException e) {
      throw new VaultException("Sealing failed (" + e.getClass().getSimpleName() + ").");
    }
  }

  private byte[] decrypt(String sealed, byte[] bound) {
    byte[] ciphertext = decode(sealed);
    Keys held = keysWith(keyId(ciphertext));
    try {
      return held.aead().decrypt(ciphertext, bound);
    } catch (GeneralSecurityException e) {
      throw new VaultException(
          "A sealed value does not open: it was changed, or it was sealed for another place.");
    }
  }

  /** Another instance may have rotated since the file was read. */
  private Keys keysWith(int keyId) {
    if (!keys.canOpen(keyId)) {
      refresh();
    }
    Keys held = keys;
    if (!held.canOpen(keyId)) {
      throw new VaultException(
          "A sealed value needs the key "
              + Integer.toUnsignedString(keyId)
              + ", which "
              + file.path()
              + " does not hold. Is it this installation's key file?");
    }
    return held;
  }

  private static byte[] decode(String sealed) {
    if (sealed.startsWith(FORMAT)) {
      try {
        byte[] ciphertext = Base64.getUrlDecoder().decode(sealed.substring(FORMAT.length()));
        if (ciphertext.length > PREFIX_BYTES) {
          return ciphertext;
        }
      } catch (IllegalArgumentException e) {
        throw new VaultException("A sealed value is damaged: it is not base64.");
      }
    }
    throw new VaultException("A sealed value is damaged, or of a later release.");
  }

  private static int keyId(byte[] ciphertext) {
    return ByteBuffer.wrap(ciphertext).getInt(KEY_ID_OFFSET);
  }

  private static byte[] bound(SecretAddress address) {
    return bound(Purpose.SECRET, address.workspace(), address.dataSourceId(), address.field());
  }

  /** Each part is preceded by its length, so that no two lists of parts give the same bytes. */
  private static byte[] bound(Purpose purpose, String... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeUTF(purpose.name());
      for (String part : parts) {
        byte[] utf8 = part.getBytes(StandardCharsets.UTF_8);
        out.writeInt(utf8.length);
        out.write(utf8);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** The two keysets, and the primitives made of them. */
  private record Keys(KeysetHandle sealing, KeysetHandle fingerprint, Aead aead, PrfSet prf) {

    static Keys of(KeysetHandle sealing, KeysetHandle fingerprint) throws GeneralSecurityException {
      return new Keys(
          sealing,
          fingerprint,
          sealing.getPrimitive(RegistryConfiguration.get(), Aead.class),
          fingerprint.getPrimitive(RegistryConfiguration.get(), PrfSet.class));
    }

    static Keys fresh() {
      try {
        return of(
            KeysetHandle.generateNew(PredefinedAeadParameters.XCHACHA20_POLY1305),
            KeysetHandle.generateNew(PredefinedPrfParameters.HMAC_SHA256_PRF));
      } catch (GeneralSecurityException e) {
        throw unusable(e);
      }
    }

    static Keys parse(String content, Path where) {
      try {
        JsonNode root = JSON.readTree(content);
        return of(keyset(root.path(SEALING)), keyset(root.path(FINGERPRINT)));
      } catch (JsonProcessingException | GeneralSecurityException | IllegalArgumentException e) {
        throw new VaultException(
            "The key file "
                + where
                + " is damaged: it is not a JSON object of the two Tink keysets \""
                + SEALING
                + "\" and \""
                + FINGERPRINT
                + "\". Restore it from its backup.");
      }
    }

    private static KeysetHandle keyset(JsonNode node) throws GeneralSecurityException {
      return TinkJsonProtoKeysetFormat.parseKeyset(node.toString(), InsecureSecretKeyAccess.get());
    }

    String json() {
      try {
        ObjectNode root = JSON.createObjectNode();
        root.set(SEALING, tree(sealing));
        root.set(FINGERPRINT, tree(fingerprint));
        return root.toPrettyString() + "\n";
      } catch (JsonProcessingException | GeneralSecurityException e) {
        throw unusable(e);
      }
    }

    private static JsonNode tree(KeysetHandle keyset)
        throws JsonProcessingException, GeneralSecurityException {
      return JSON.readTree(
          TinkJsonProtoKeysetFormat.serializeKeyset(keyset, InsecureSecretKeyAccess.get()));
    }

    Keys withNewPrimary() {
      Parameters kind = PredefinedAeadParameters.XCHACHA20_POLY1305;
      return withSealing(
          KeysetHandle.newBuilder(sealing)
              .addEntry(
                  KeysetHandle.generateEntryFromParameters(kind).withRandomId().makePrimary()));
    }

    Keys withPrimaryOnly() {
      KeysetHandle.Entry newest = sealing.getPrimary();
      return withSealing(
          KeysetHandle.newBuilder()
              .addEntry(
                  KeysetHandle.importKey(newest.getKey())
                      .withFixedId(newest.getId())
                      .makePrimary()));
    }

    private Keys withSealing(KeysetHandle.Builder next) {
      try {
        return of(next.build(), fingerprint);
      } catch (GeneralSecurityException e) {
        throw unusable(e);
      }
    }

    boolean canOpen(int keyId) {
      for (int i = 0; i < sealing.size(); i++) {
        if (sealing.getAt(i).getId() == keyId) {
          return true;
        }
      }
      return false;
    }

    private static VaultException unusable(Exception e) {
      return new VaultException("Keys cannot be made (" + e.getClass().getSimpleName() + ").");
    }

    /** A record would print its components. */
    @Override
    public String toString() {
      return "Keys";
    }
  }
}
