package io.sluice.probe;

import io.sluice.model.Field;
import io.sluice.model.JumpHost;
import io.sluice.model.Reason;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Secret;
import io.sluice.model.Settings;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the certificates, keys and host keys of settings the way a connection test does, before
 * anything is contacted, and whether or not TLS and SSH are on: what is stored must be usable when
 * they are switched on.
 */
public final class KeyMaterial {
  private KeyMaterial() {}

  /** One text, read by the code that a test would read it with. */
  private interface Reading {
    void read() throws TlsMaterial.Unusable, GeneralSecurityException;
  }

  /**
   * Everything that cannot be read, each with a sentence that says what to send; never a part of
   * the text. Thread-safe; well-formed TLS material is remembered.
   *
   * @return empty when all of it is usable, or none is set
   */
  public static List<FieldError> problems(Settings settings) {
    List<FieldError> problems = new ArrayList<>();
    String authorities = settings.text(Field.SSL_CA);
    if (authorities != null) {
      read(Field.SSL_CA, () -> TlsMaterial.trust(authorities), problems);
    }
    checkClient(
        settings.text(Field.CERTIFICATE),
        settings.secret(Field.KEYFILE),
        settings.secret(Field.KEYFILE_PASSWORD),
        problems);
    Secret identity = settings.secret(Field.SSH_IDENTITY);
    if (identity != null) {
      checkIdentity(identity, problems);
    }
    String hostKey = settings.text(Field.SSH_HOST_KEY);
    if (hostKey != null && HostKeyPin.parse(hostKey).isEmpty()) {
      problems.add(problem(Field.SSH_HOST_KEY, HostKeyPin.EXPECTED));
    }
    List<JumpHost> hops = JumpHost.list(settings.text(Field.SSH_JUMP));
    for (int i = 0; i < hops.size(); i++) {
      String key = hops.get(i).hostKey();
      if (key != null && HostKeyPin.parse(key).isEmpty()) {
        problems.add(
            new FieldError(
                Field.SSH_JUMP + "[" + i + "]",
                Reason.INVALID_FIELD,
                "What stands after a hop is its host key. " + HostKeyPin.EXPECTED));
      }
    }
    return problems;
  }

  /** An encrypted key is not decrypted here: that it says how it is encrypted is enough. */
  private static void checkIdentity(Secret identity, List<FieldError> problems) {
    try {
      PrivateKeyText.keyPair(identity, null);
    } catch (PrivateKeyText.Unusable e) {
      if (!e.problem().ofPassphrase()) {
        problems.add(problem(Field.SSH_IDENTITY, e.problem().hint()));
      }
    }
  }

  private static void checkClient(
      String chain, Secret key, Secret passphrase, List<FieldError> problems) {
    int before = problems.size();
    if (chain != null) {
      read(Field.CERTIFICATE, () -> TlsMaterial.chain(chain), problems);
    }
    if (key != null && chain != null && problems.size() == before) {
      read(Field.KEYFILE, () -> TlsMaterial.keys(chain, key, passphrase), problems);
    } else if (key != null) {
      read(Field.KEYFILE, () -> TlsMaterial.privateKey(key, passphrase), problems);
    }
  }

  private static void read(Field field, Reading reading, List<FieldError> problems) {
    try {
      reading.read();
    } catch (TlsMaterial.Unusable e) {
      problems.add(problem(e.field(), e.getMessage()));
    } catch (GeneralSecurityException e) {
      problems.add(problem(field, "The PEM text cannot be used."));
    }
  }

  private static FieldError problem(Field field, String message) {
    return new FieldError(field.wireName(), Reason.INVALID_FIELD, message);
  }
}
