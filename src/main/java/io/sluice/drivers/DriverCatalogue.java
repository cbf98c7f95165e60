package io.sluice.drivers;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The databases that Sluice can test: one file in {@code config/drivers} each. */
public final class DriverCatalogue {
  private final List<Driver> drivers;

  public DriverCatalogue(List<Driver> drivers) {
    this.drivers = List.copyOf(drivers);
  }

  /** Finds a driver by id or alias, in any case. */
  public Optional<Driver> named(String name) {
    String wanted = name.toLowerCase(Locale.ROOT);
    return drivers.stream()
        .filter(d -> d.id().equals(wanted) || d.aliases().contains(wanted))
        .findFirst();
  }

  /**
   * Finds the driver that serves a {@code databaseType} of the Zoho-compatible API, in any case.
   */
  public Optional<Driver> forZoho(String databaseType) {
    return drivers.stream()
        .filter(d -> d.zohoDatabaseTypes().stream().anyMatch(databaseType::equalsIgnoreCase))
        .findFirst();
  }

  public List<Driver> all() {
    return drivers;
  }
}
