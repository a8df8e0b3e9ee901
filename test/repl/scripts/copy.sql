\pset pager off
drop table if exists copy_t;
create table copy_t (a int, b text);
copy copy_t from stdin;
1	one
2	two
\.
select * from copy_t order by a;
\copy copy_t from stdin csv
3,"three, quoted"
4,
\.
select * from copy_t order by a;
copy (select * from copy_t where a = 1) to stdout;
copy (select * from copy_t order by a) to stdout csv header;
\copy (select * from copy_t order by a) to stdout
\copy (select * from copy_t order by a) to 'copy.txt'
\copy copy_t from 'copy.txt'
\copy copy_t ( a , b ) from program 'printf "9\tnine\n"'
select count(*) from copy_t;
\copy (select a, ')' from copy_t where b = 'one' order by a) to program 'cat > copy.txt'
\! cat copy.txt
copy copy_t from stdin;
x	bad
\.
select 'after' as x;
copy nosuch from stdin;
\copy copy_t from program 'exit 3'
drop table copy_t;
\o out.txt
select 1 as to_file;
\qecho to file too
\echo to stdout
\o
\! cat out.txt
select 2 as piped \g |cat
select 3 as to_g \g out.txt
\! cat out.txt
\o |cat
select 4 as piped;
\o
select 5
\w out.txt
\r
\i out.txt
;
