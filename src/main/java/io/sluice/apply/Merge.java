package io.sluice.apply;

import io.sluice.apply.Submission.Operation;
import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.JumpHost;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Secret;
import io.sluice.model.Settings;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.probe.KeyMaterial;
import io.sluice.store.DataSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Puts an update over what is stored and checks the whole: contract section 1. An update replaces
 * the document, where only secrets, the driver and a pinned host key stay when they are left out; a
 * patch changes what it names.
 */
final class Merge {
  private static final int SSH_DEFAULT_PORT = 22;

  /** Where the database's secrets are sent to. */
  private static final Set<Field> DATABASE_DESTINATION =
      EnumSet.of(
          Field.DRIVER,
          Field.HOST,
          Field.PORT,
          Field.USERNAME,
          Field.SSL,
          Field.SSL_CA,
          Field.SSH,
          Field.SSH_HOST,
          Field.SSH_PORT,
          Field.SSH_TUNNELING);

  /** Who carries the database's secrets there, beside the bastion's address. */
  private static final Set<Field> DATABASE_CARRIER =
      EnumSet.of(Field.SSH_USERNAME, Field.SSH_HOST_KEY);

  /** Where the bastion's secrets are sent to. */
  private static final Set<Field> BASTION_DESTINATION =
      EnumSet.of(Field.SSH_HOST, Field.SSH_PORT, Field.SSH_USERNAME, Field.SSH_HOST_KEY);

  /** What the Zoho-compatible CONFIG has no key for: its updates leave these as they are. */
  private static final Set<Field> NOT_IN_CONFIG =
      EnumSet.of(Field.SSL_CA, Field.CERTIFICATE, Field.SSH_HOST_KEY, Field.SSH_JUMP);

  private final DriverCatalogue drivers;

  Merge(DriverCatalogue drivers) {
    this.drivers = drivers;
  }

  /**
   * @param current null for a new data source
   * @param version the one that the merged settings would become
   * @throws Refusal naming every field that needs a correction
   */
  Candidate merge(Submission submission, DataSource current, long version) {
    List<FieldError> errors = new ArrayList<>();
    Settings stored =
        current == null ? new Settings(Map.of(), Map.of(), new TreeMap<>()) : current.settings();
    Settings merged = merged(submission, stored, errors);
    if (errors.isEmpty()) {
      checkKeptSecrets(
          submission.update(),
          drivers.named(merged.text(Field.DRIVER)).orElseThrow(),
          stored,
          merged,
          errors);
    }
    if (!errors.isEmpty()) {
      throw Refusal.ofFields(errors);
    }
    return new Candidate(current, version, merged, changed(stored, merged));
  }

  private Settings merged(Submission submission, Settings stored, List<FieldError> errors) {
    Update update = submission.update();
    Map<Field, Object> values = new EnumMap<>(Field.class);
    Map<Field, Secret> secrets = new EnumMap<>(Field.class);
    secrets.putAll(stored.secrets());
    boolean patch = submission.operation() == Operation.PATCH;
    SortedMap<String, String> options = new TreeMap<>();
    if (patch) {
      values.putAll(stored.values());
      if (!update.clearsOptions()) {
        options.putAll(stored.options());
      }
    } else if (submission.intake() == Intake.ZOHO) {
      for (Field field : NOT_IN_CONFIG) {
        if (stored.values().containsKey(field)) {
          values.put(field, stored.values().get(field));
        }
      }
    }
    if (replacesKeyfile(update, stored)) {
      // The passphrase belongs to the key that it was sent for.
      secrets.remove(Field.KEYFILE_PASSWORD);
    }
    for (Map.Entry<Field, Change> entry : update.changes().entrySet()) {
      if (entry.getValue() instanceof Change.Set set) {
        values.put(entry.getKey(), set.value());
      } else if (entry.getValue() instanceof Change.Replace replace) {
        secrets.put(entry.getKey(), replace.value());
      } else {
        values.remove(entry.getKey());
        secrets.remove(entry.getKey());
      }
    }
    Driver driver = driver(update, stored, values, errors);
    if (driver != null) {
      dropWhatItCannotTake(driver, update, secrets);
      values.put(Field.DRIVER, driver.id());
      values.putIfAbsent(Field.PORT, driver.defaultPort());
    }
    completeBastion(update, stored, values, errors);
    values.putIfAbsent(Field.SSL, false);

    update
        .options()
        .forEach(
            (name, change) -> {
              if (change instanceof Change.Set set) {
                options.put(name, set.value().toString());
              } else {
                options.remove(name);
              }
            });
    Settings merged = new Settings(values, secrets, options);
    if (driver != null) {
      checkDriverNeeds(driver, merged, errors);
    }
    if (merged.secret(Field.KEYFILE) == null ^ merged.text(Field.CERTIFICATE) == null) {
      errors.add(
          invalid(
              merged.secret(Field.KEYFILE) == null ? Field.KEYFILE : Field.CERTIFICATE,
              Reason.MISSING_FIELD,
              "certificate and keyfile belong together: send both, or clear both."));
    }
    if (merged.secret(Field.KEYFILE) == null && merged.secret(Field.KEYFILE_PASSWORD) != null) {
      errors.add(
          invalid(
              Field.KEYFILE_PASSWORD,
              Reason.INVALID_FIELD,
              "There is no keyfile that keyfilePassword could open: send it too, or clear both."));
    }
    errors.addAll(KeyMaterial.problems(merged));
    return merged;
  }

  /**
   * A stored secret that nobody speaks of and that the login of another driver does not take goes
   * with the driver that took it: it could be sent nowhere, and only be in the way.
   */
  private static void dropWhatItCannotTake(
      Driver driver, Update update, Map<Field, Secret> secrets) {
    secrets
        .keySet()
        .removeIf(
            field ->
                Field.LOGIN_SECRETS.contains(field)
                    && !driver.secrets().contains(field)
                    && !update.changes().containsKey(field));
  }

  /** Whether another key takes the place of the stored one, or none does. */
  private static boolean replacesKeyfile(Update update, Settings stored) {
    Change change = update.changes().get(Field.KEYFILE);
    return change != null
        && !(change instanceof Change.Replace replace
            && replace.value().equals(stored.secret(Field.KEYFILE)));
  }

  private Driver driver(
      Update update, Settings stored, Map<Field, Object> values, List<FieldError> errors) {
    String name = update.text(Field.DRIVER).orElse(stored.text(Field.DRIVER));
    if (name == null || update.changes().get(Field.DRIVER) instanceof Change.Clear) {
      errors.add(missing(Field.DRIVER));
      return null;
    }
    Driver driver = drivers.named(name).orElse(null);
    if (driver == null) {
      errors.add(
          invalid(
              Field.DRIVER,
              Reason.DRIVER_UNSUPPORTED,
              "The driver is not in the catalogue; GET /drivers lists what is."));
    }
    values.remove(Field.DRIVER);
    return driver;
  }

  private static void completeBastion(
      Update update, Settings stored, Map<Field, Object> values, List<FieldError> errors) {
    boolean ssh = Boolean.TRUE.equals(values.get(Field.SSH));
    values.put(Field.SSH, ssh);
    if (ssh) {
      values.putIfAbsent(Field.SSH_TUNNELING, true);
      values.putIfAbsent(Field.SSH_PORT, SSH_DEFAULT_PORT);
      boolean sameBastion =
          Objects.equals(values.get(Field.SSH_HOST), stored.values().get(Field.SSH_HOST))
              && Objects.equals(values.get(Field.SSH_PORT), stored.values().get(Field.SSH_PORT));
      if (!update.changes().containsKey(Field.SSH_HOST_KEY)) {
        // The key belongs to the bastion: it stays with it, and goes with it.
        values.remove(Field.SSH_HOST_KEY);
        if (sameBastion && stored.values().containsKey(Field.SSH_HOST_KEY)) {
          values.put(Field.SSH_HOST_KEY, stored.values().get(Field.SSH_HOST_KEY));
        }
      }
      keepJumpKeys(stored, values);
      for (Field field : List.of(Field.SSH_HOST, Field.SSH_USERNAME)) {
        if (!values.containsKey(field)) {
          errors.add(missing(field));
        }
      }
    } else if (Boolean.TRUE.equals(values.get(Field.SSH_TUNNELING))) {
      errors.add(
          invalid(
              Field.SSH_TUNNELING,
              Reason.INVALID_FIELD,
              "sshTunneling needs an SSH bastion: send ssh as true, or sshTunneling as false."));
    } else {
      values.putIfAbsent(Field.SSH_TUNNELING, false);
    }
  }

  /** As for the bastion itself: a hop that is named again without its key keeps it. */
  private static void keepJumpKeys(Settings stored, Map<Field, Object> values) {
    if (values.get(Field.SSH_JUMP) instanceof String text) {
      List<JumpHost> known = JumpHost.list(stored.text(Field.SSH_JUMP));
      List<JumpHost> hops =
          JumpHost.list(text).stream()
              .map(
                  hop ->
                      hop.hostKey() != null
                          ? hop
                          : known.stream()
                              .filter(hop::sameDestination)
                              .findFirst()
                              .map(k -> hop.withHostKey(k.hostKey()))
                              .orElse(hop))
              .toList();
      values.put(Field.SSH_JUMP, JumpHost.text(hops));
    }
  }

  /**
   * Whether the secrets would pass other hands before they reach the bastion. The first host key of
   * a hop that had none says nothing about where it is.
   */
  private static boolean jumpsChanged(Settings stored, Settings merged) {
    List<JumpHost> before = JumpHost.list(stored.text(Field.SSH_JUMP));
    List<JumpHost> after = JumpHost.list(merged.text(Field.SSH_JUMP));
    if (before.size() != after.size()) {
      return true;
    }
    for (int i = 0; i < before.size(); i++) {
      JumpHost was = before.get(i);
      JumpHost is = after.get(i);
      if (!was.sameDestination(is)
          || !Objects.equals(was.username(), is.username())
          || (was.hostKey() != null && !was.hostKey().equals(is.hostKey()))) {
        return true;
      }
    }
    return false;
  }

  private static void checkDriverNeeds(Driver driver, Settings merged, List<FieldError> errors) {
    if (!merged.values().containsKey(Field.HOST)) {
      errors.add(missing(Field.HOST));
    }
    for (Field field : driver.required()) {
      if (!merged.values().containsKey(field) && !merged.secrets().containsKey(field)) {
        errors.add(missing(field));
      }
    }
    if (merged.flag(Field.SSH)
        && merged.secret(Field.SSH_PASSWORD) == null
        && merged.secret(Field.SSH_IDENTITY) == null) {
      errors.add(
          invalid(
              Field.SSH_PASSWORD,
              Reason.MISSING_FIELD,
              "The bastion needs sshPassword or sshIdentity."));
    }
    for (Field field : Field.LOGIN_SECRETS) {
      if (merged.secret(field) != null && !driver.secrets().contains(field)) {
        errors.add(
            invalid(
                field,
                Reason.UNKNOWN_FIELD,
                "This driver takes no " + field + ": leave it out, or send it empty."));
      }
    }
    if (merged.flag(Field.SSL) && driver.tls() == Driver.Tls.NONE) {
      errors.add(invalid(Field.SSL, Reason.INVALID_FIELD, Driver.NO_TLS));
    }
    merged.options().forEach((name, value) -> checkOption(driver, name, value, errors));
  }

  private static void checkOption(
      Driver driver, String name, String value, List<FieldError> errors) {
    Driver.Option option = driver.options().get(name);
    if (option == null) {
      errors.add(
          new FieldError(
              "options." + name, Reason.UNKNOWN_FIELD, "This driver does not take this option."));
    } else if (!option.grammar().matcher(value).matches()) {
      errors.add(
          new FieldError(
              "options." + name, Reason.INVALID_FIELD, "The option's value is not well-formed."));
    }
  }

  /** A stored secret never follows a changed destination. */
  private static void checkKeptSecrets(
      Update update, Driver driver, Settings stored, Settings merged, List<FieldError> errors) {
    boolean databaseMoved =
        !differing(DATABASE_DESTINATION, stored, merged).isEmpty()
            || destinationOptionsDiffer(driver, stored, merged)
            || carrierChanged(stored, merged);
    // A bastion that is switched off and not named gets nothing; naming another one is a move even
    // while it is off, since switching it on later would send the secret there.
    Set<Field> bastionChanges = differing(BASTION_DESTINATION, stored, merged);
    if (jumpsChanged(stored, merged)) {
      bastionChanges.add(Field.SSH_JUMP);
    }
    boolean bastionMoved =
        !bastionChanges.isEmpty()
            && (merged.flag(Field.SSH)
                || bastionChanges.stream().anyMatch(merged.values()::containsKey));
    for (Field secret : stored.secrets().keySet()) {
      boolean kept = !update.changes().containsKey(secret) && merged.secret(secret) != null;
      boolean moved = Field.BASTION_SECRETS.contains(secret) ? bastionMoved : databaseMoved;
      if (kept && moved) {
        errors.add(
            invalid(
                secret,
                Reason.SECRET_REENTRY_REQUIRED,
                "The destination of "
                    + secret
                    + " changes: send it again, or clear it with an empty value."));
      }
    }
  }

  private static boolean destinationOptionsDiffer(Driver driver, Settings a, Settings b) {
    return driver.options().entrySet().stream()
        .filter(option -> option.getValue().destination())
        .map(Map.Entry::getKey)
        .anyMatch(name -> !Objects.equals(a.options().get(name), b.options().get(name)));
  }

  /** The first host key of a bastion that had none says nothing about where it is. */
  private static boolean carrierChanged(Settings stored, Settings merged) {
    if (!merged.flag(Field.SSH)) {
      return false;
    }
    Set<Field> changes = differing(DATABASE_CARRIER, stored, merged);
    if (stored.text(Field.SSH_HOST_KEY) == null) {
      changes.remove(Field.SSH_HOST_KEY);
    }
    return !changes.isEmpty() || jumpsChanged(stored, merged);
  }

  private static Set<Field> differing(Set<Field> fields, Settings a, Settings b) {
    return fields.stream()
        .filter(f -> !Objects.equals(a.values().get(f), b.values().get(f)))
        .collect(Collectors.toCollection(() -> EnumSet.noneOf(Field.class)));
  }

  private static Set<String> changed(Settings before, Settings after) {
    Set<String> changed = new LinkedHashSet<>();
    for (Field field : Field.values()) {
      if (!Objects.equals(before.values().get(field), after.values().get(field))
          || !Objects.equals(before.secret(field), after.secret(field))) {
        changed.add(field.wireName());
      }
    }
    Set<String> options = new TreeSet<>(before.options().keySet());
    options.addAll(after.options().keySet());
    for (String option : options) {
      if (!Objects.equals(before.options().get(option), after.options().get(option))) {
        changed.add("options." + option);
      }
    }
    return changed;
  }

  private static FieldError missing(Field field) {
    return invalid(field, Reason.MISSING_FIELD, field + " is required.");
  }

  private static FieldError invalid(Field field, Reason reason, String message) {
    return new FieldError(field.wireName(), reason, message);
  }
}
