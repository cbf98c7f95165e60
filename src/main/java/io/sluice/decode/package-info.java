/**
 * From any encoding to one canonical {@link io.sluice.model.Update}, in two steps around Camel's
 * own data formats; {@code routes/20-decode.camel.yaml} is the way through.
 *
 * <ol>
 *   <li>What came in: {@link io.sluice.decode.Encoded}. {@link io.sluice.decode.ConfigParameter}
 *       finds the CONFIG parameter of the Zoho-compatible API, {@link
 *       io.sluice.decode.CloudEventDecoder} opens a Kafka record.
 *   <li>{@link io.sluice.decode.Decoder#open} checks content type, size and UTF-8, and hands a safe
 *       source to the data format: text to camel-jackson with {@link io.sluice.decode.StrictJson},
 *       a {@code StrictXmlReader} to camel-jaxb, which fills an {@code XmlBody}. A form has no data
 *       format; {@code Form} reads it.
 *   <li>All of them end as a {@code Document}: names and values, before any meaning.
 *   <li>{@link io.sluice.decode.Decoder#finish} gives it meaning: {@code NativeReader} or {@code
 *       ZohoReader}, both with the value rules of {@code FieldGrammar}.
 * </ol>
 *
 * <p>Whatever is wrong is a {@link io.sluice.model.Refusal} without a submitted value in it. A
 * syntax error ends the reading at once; errors of fields are collected in {@code Problems}.
 */
package io.sluice.decode;
