/**
 * The evaluation's report: one HTML page that holds everything, pictures included, and asks nothing
 * of the network.
 *
 * <p>Start at {@link io.github.tuneqdm.report.ReportData} (what is shown) and {@link
 * io.github.tuneqdm.report.HtmlReport} (the page's outline). The look is in {@code report.css}, the
 * little behaviour there is in {@code report.js}, beside these classes in the resources.
 *
 * <p>May import the JDK, {@code metrics} and {@code error}.
 */
package io.github.tuneqdm.report;
