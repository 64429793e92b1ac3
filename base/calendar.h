/*
 * The Gregorian calendar in integers: dates from days and days from dates.
 *
 * The calendar is the proleptic one: its rules hold for every year, also before 1582. Nothing here
 * knows of time zones.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_CALENDAR_H_
#define GOFER_BASE_CALENDAR_H_

#include <stdint.h>

struct gf_date {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* a / b, rounded towards minus infinity. b > 0. */
int64_t gf_floor_div(int64_t a, int64_t b);

/* Days from 1970-01-01 to a date that exists; negative before. */
int64_t gf_days_from_date(struct gf_date date);

/* The date so many days after 1970-01-01. */
struct gf_date gf_date_from_days(int64_t days_since_1970);

/* 28 to 31. month is 1 to 12. */
int gf_days_of_month(int64_t year, int month);

/* Day of the week of a day, 0 (Sunday) to 6 (Saturday). */
int gf_weekday_from_days(int64_t days_since_1970);

#endif /* GOFER_BASE_CALENDAR_H_ */
