/**
 * The driver catalogue: {@link io.sluice.drivers.DriverCatalogue} reads {@code config/drivers}, one
 * file per database, into {@link io.sluice.drivers.Driver} records, and {@link
 * io.sluice.drivers.DriverJars} brings their code, each that is not bundled in a {@code
 * DriverLoader} of its own. A driver is data; the code that acts on it is in {@code
 * io.sluice.probe}.
 */
package io.sluice.drivers;
