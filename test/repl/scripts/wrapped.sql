\pset pager off
\pset format wrapped
\pset columns 40
select 1 as id, 'The quick brown fox jumps over the lazy dog and then some' as text, 'second text column that is long' as other;
select i as id, repeat('ab ', i) as text, repeat('x', i * 2) as other from generate_series(1, 12, 3) i order by i;
\pset border 2
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 2) as other from generate_series(1, 12, 3) i order by i;
\pset border 0
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 2) as other from generate_series(1, 12, 3) i order by i;
\pset linestyle old-ascii
\pset border 1
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 2) as other from generate_series(1, 12, 3) i order by i;
\pset linestyle unicode
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 2) as other from generate_series(1, 12, 3) i order by i;
\x
\pset linestyle ascii
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 4) as other from generate_series(1, 12, 3) i order by i;
\pset border 0
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 4) as other from generate_series(1, 12, 3) i order by i;
\pset border 2
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 4) as "other
head" from generate_series(1, 12, 3) i order by i;
\pset linestyle old-ascii
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 4) as "other
head" from generate_series(1, 12, 3) i order by i;
\pset border 1
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 4) as "other
head" from generate_series(1, 12, 3) i order by i;
\pset border 0
select i as id, repeat('ab ', i) as text, e'l1\nline two is long ' || repeat('x', i * 4) as "other
head" from generate_series(1, 12, 3) i order by i;
\pset columns 10
select 'abcdefghijklmnopqrstuvwxyz' as abc;
\x off
\pset columns 5
select 'abcdefghijklmnopqrstuvwxyz' as abc;
\pset format aligned
\pset expanded auto
\pset columns 30
select 1 as a, 2 as b;
select repeat('x', 40) as a, 2 as b;
