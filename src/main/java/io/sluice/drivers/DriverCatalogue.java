package io.sluice.drivers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The databases that Sluice can test: one file in {@code config/drivers} each. */
public final class DriverCatalogue {
  private final List<Driver> drivers;
  private final DriverJars jars;
  private final Map<String, Driver> byName = new HashMap<>();
  private final Map<String, Driver> byZohoType = new HashMap<>();

  public DriverCatalogue(List<Driver> drivers, DriverJars jars) {
    this.drivers = List.copyOf(drivers);
    this.jars = jars;
    for (Driver driver : drivers) {
      byName.put(driver.id(), driver);
      driver.aliases().forEach(alias -> byName.put(alias, driver));
      driver
          .zohoDatabaseTypes()
          .forEach(type -> byZohoType.put(type.toUpperCase(Locale.ROOT), driver));
    }
  }

  /**
   * Reads every {@code *.yaml} file of a directory.
   *
   * @param jars where the jars of the drivers are that are not bundled; need not exist
   * @throws IllegalArgumentException with every problem of every file in one message: unknown keys,
   *     missing ones, wrong values, and names that two drivers claim
   * @throws IOException when the directory or a file cannot be read
   */
  public static DriverCatalogue load(Path directory, Path jars) throws IOException {
    List<Path> files;
    try (Stream<Path> listing = Files.list(directory)) {
      files = listing.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }
    List<String> problems = new ArrayList<>();
    List<Driver> drivers = new ArrayList<>();
    for (Path file : files) {
      Descriptor.read(file, problems).ifPresent(drivers::add);
    }
    Map<String, String> claimed = new HashMap<>();
    for (Driver driver : drivers) {
      Stream.concat(
              Stream.concat(Stream.of(driver.id()), driver.aliases().stream()),
              driver.zohoDatabaseTypes().stream().map(type -> "Zoho type " + type))
          .forEach(
              name -> {
                String other = claimed.putIfAbsent(name, driver.id());
                if (other != null) {
                  problems.add(driver.id() + ".yaml: " + name + " also belongs to " + other);
                }
              });
    }
    if (files.isEmpty()) {
      problems.add("no *.yaml file in " + directory);
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException("Driver catalogue: " + String.join("; ", problems));
    }
    return new DriverCatalogue(drivers, new DriverJars(jars));
  }

  /** Finds a driver by id or alias, in any case. */
  public Optional<Driver> named(String name) {
    return Optional.ofNullable(byName.get(name.toLowerCase(Locale.ROOT)));
  }

  /**
   * Finds the driver that serves a {@code databaseType} of the Zoho-compatible API, in any case.
   */
  public Optional<Driver> forZoho(String databaseType) {
    return Optional.ofNullable(byZohoType.get(databaseType.toUpperCase(Locale.ROOT)));
  }

  /** The code of the drivers. */
  public DriverJars jars() {
    return jars;
  }

  public List<Driver> all() {
    return drivers;
  }
}
