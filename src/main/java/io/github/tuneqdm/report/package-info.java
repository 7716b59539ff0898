/**
 * A run's report: one HTML page with a folder of thumbnails beside it, which asks nothing of the
 * network. Plots are drawn by uPlot, whose script is written into the page.
 *
 * <p>Start at {@link io.github.tuneqdm.report.ReportData} (what is shown) and {@link
 * io.github.tuneqdm.report.HtmlReport} (the page's outline); {@link
 * io.github.tuneqdm.report.Tradeoff} is a plot by itself. The look is in {@code report.css}, the
 * little behaviour there is in {@code report.js}, beside these classes in the resources.
 *
 * <p>May import the JDK, {@code metrics} and {@code error}.
 */
package io.github.tuneqdm.report;
