-- psql declares cursors for this; mpp-sql fetches from the portal.
\pset pager off
\set FETCH_COUNT 2
select i from generate_series(1,5) i;
select i/(i-4) from generate_series(1,5) i;
\set FETCH_COUNT 0
