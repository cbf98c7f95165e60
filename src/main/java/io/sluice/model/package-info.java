/**
 * The words that every stage shares: what a sender asks for ({@link io.sluice.model.Update}), what
 * a data source consists of ({@link io.sluice.model.Settings}), what is tested ({@link
 * io.sluice.model.Connection}), what the test found ({@link io.sluice.model.Report}) and the one
 * catalogue of failures ({@link io.sluice.model.Reason}).
 *
 * <p>Immutable throughout; nothing here knows Camel, HTTP, SQL or Kafka.
 */
package io.sluice.model;
