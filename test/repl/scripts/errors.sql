\pset pager off
select nosuch;
select 1,
  nosuch,
  3;
select 1 from nosuch where x = 'a long string that makes the line longer than sixty characters by far' and nosuch.y = 2;
select 'a long string that makes the line longer than sixty characters by far, really it does', nosuch, 'and it goes on and on after the place of the error';
select	1,	nosuch;
syntax error here;
select 1 / 0;
select 'abc'::int;
select 1; select nosuch; select 3;
select 1 \; select nosuch \; select 3;
\errverbose
\set VERBOSITY terse
select nosuch;
select 1/0;
\set VERBOSITY sqlstate
select nosuch;
\set VERBOSITY default
select * from t_nosuch
\g
\echo :ERROR :SQLSTATE :LAST_ERROR_SQLSTATE :ROW_COUNT
\echo :LAST_ERROR_MESSAGE
select 1;
\echo :ERROR :SQLSTATE :LAST_ERROR_SQLSTATE :ROW_COUNT
\set ECHO errors
select nosuch;
\set ECHO queries
select 1;
\set ECHO none
\set ECHO nosuch
\set AUTOCOMMIT maybe
\set FETCH_COUNT x
\set VERBOSITY x
\set SHOW_CONTEXT x
\set bad-name x
\unset nosuch
\unset ECHO
\echo :ECHO
\set ECHO_HIDDEN noexec
\unset ECHO_HIDDEN
\echo :ECHO_HIDDEN
\i /nosuch/file.sql
\ir nosuch.sql
\i
\cd /nosuch
\copy
\copy x
\copy x from
\copy nosuch from '/nosuch/file'
\copy nosuch to
\copy nosuch into 'x'
\o /nosuch/dir/file
\w
\g /nosuch/dir/file
\encoding
\setenv
\setenv a=b c
\getenv
\prompt
\unset
\sf
\sv
\gset
select 1 where false \gset
select 1 union select 2 \gset
select 1 as "VERBOSITY" \gset
\timing maybe
\timing on
\timing off
\timing
\timing
select 1 as x \gdesc
select nosuch \gdesc
select 1::numeric(5,2) as a, 'x'::varchar(3) as b, now() as "C c" \gdesc
select 'select ' || i from generate_series(1,3) i \gexec
select i, i % 2 as odd, 'v' || i as v from generate_series(1,4) i \crosstabview
select i, i % 2 as odd, 'v' || i as v from generate_series(1,4) i \crosstabview odd i v
select i, i % 2 as odd, 'v' || i as v from generate_series(1,4) i \crosstabview 1 1
select i, i % 2 as odd, 'v' || i as v from generate_series(1,4) i \crosstabview 9
select i, i % 2 as odd, 'v' || i as v from generate_series(1,4) i \crosstabview nosuch
select 1 \crosstabview
