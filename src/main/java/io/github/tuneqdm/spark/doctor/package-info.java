/**
 * What {@code doctor} looks at on each machine: one small class a probe, each giving {@link
 * io.github.tuneqdm.spark.doctor.Finding findings}. May import tensor, storage and error; {@code
 * DoctorJob} decides where each probe runs.
 */
package io.github.tuneqdm.spark.doctor;
