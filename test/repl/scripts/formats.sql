\pset pager off
select 1 as a, 'x' as b, null as c, 2.50 as d union all select 22222, 'yy
zz', 'null', -1 order by 1;
\pset null '(nil)'
\pset border 0
select 1 as a, 'x' as b, null as c, 2.50 as d union all select 22222, 'yy
zz', 'null', -1 order by 1;
\pset border 2
select 1 as a, 'x' as b, null as c, 2.50 as d union all select 22222, 'yy
zz', 'null', -1 order by 1;
select 1 as "multi
line
header", 2 as "other";
\pset linestyle old-ascii
select 1 as a, 'x' as b, null as c, 2.50 as d union all select 22222, 'yy
zz', 'null', -1 order by 1;
\pset border 1
select 1 as "multi
line
header", 'aa
bb' as "other", 3 as x;
\pset border 0
select 1 as "multi
line
header", 'aa
bb' as "other", 3 as x;
\pset linestyle unicode
\pset border 1
select 1 as "multi
line
header", 'aa
bb' as "other", 3 as x;
\pset border 2
\pset unicode_border_linestyle double
\pset unicode_column_linestyle double
\pset unicode_header_linestyle double
select 1 as a, 2 as b;
\pset unicode_column_linestyle single
select 1 as a, 2 as b;
\x
select 1 as a, 'x
y' as b, null as c;
\pset border 1
select 1 as a, 'x
y' as b, null as c;
\pset border 0
select 1 as a, 'x
y' as b, null as c;
\pset linestyle ascii
select 1 as "multi
line", 'x
y' as b, null as c union all select 3, 'zzzzzzzzzz', 'b' order by 1;
\pset border 1
select 1 as "multi
line", 'x
y' as b, null as c union all select 3, 'zzzzzzzzzz', 'b' order by 1;
\pset border 2
select 1 as "multi
line", 'x
y' as b, null as c union all select 3, 'zzzzzzzzzz', 'b' order by 1;
\pset linestyle old-ascii
select 1 as "multi
line", 'x
y' as b, null as c union all select 3, 'zzzzzzzzzz', 'b' order by 1;
\pset border 1
select 1 as "multi
line", 'x
y' as b, null as c union all select 3, 'zzzzzzzzzz', 'b' order by 1;
\pset border 0
select 1 as "multi
line", 'x
y' as b, null as c union all select 3, 'zzzzzzzzzz', 'b' order by 1;
\t
select 1 as a, 2 as b;
select 1 where false;
\pset border 2
select 1 as a, 2 as b;
\t
select 1 where false;
\x off
select 1 where false;
\pset border 1
\pset linestyle ascii
\a
select 1 as a, 'x
y' as b, null as c union all select 2, 'b|', '' order by 1;
\x
select 1 as a, 'x
y' as b, null as c union all select 2, 'b|', '' order by 1;
select 1 where false;
\t
select 1 as a, 2 as b;
\x
select 1 as a, 2 as b union all select 3, 4 order by 1;
\t
\f ,
select 1 as a, 2 as b union all select 3, 4 order by 1;
\pset recordsep '--'
select 1 as a, 2 as b union all select 3, 4 order by 1;
\pset footer off
select 1 as a, 2 as b union all select 3, 4 order by 1;
\pset recordsep_zero
\pset fieldsep_zero
select 1 as a, 2 as b union all select 3, 4 order by 1;
\pset fieldsep |
\pset recordsep '\n'
\pset format csv
select 1 as a, 'x,"y' as b, null as c, e'l1\nl2' as "d ""q" union all select 2, '\.', '', ' sp ' order by 1;
\pset csv_fieldsep ;
\x
select 1 as a, 'x,"y;' as b, null as c;
\x
\t
select 1 as a, 'x,"y;' as b, null as c;
\t
\pset format aligned
\pset title 'My title'
select 1 as a, 'a longer column' as b;
select 1;
\x
select 1 as a, 'a longer column' as b;
\x
\C
\pset numericlocale on
select 1234567 as a, -1234567.891 as b, '1234567' as c, 12 as d;
\pset numericlocale off
select;
select from generate_series(1,3);
\x
select from generate_series(1,3);
\x
\pset format unaligned
select from generate_series(1,3);
\pset
\pset border
\pset columns
\pset csv_fieldsep
\pset fieldsep
\pset fieldsep_zero
\pset footer
\pset format
\pset linestyle
\pset null
\pset numericlocale
\pset pager
\pset pager_min_lines 1
\pset pager_min_lines 3
\pset recordsep
\pset recordsep_zero
\pset tableattr
\pset title
\pset tuples_only
\pset unicode_border_linestyle
\pset nosuch
\pset border x
\pset csv_fieldsep xx
\pset csv_fieldsep "
\pset linestyle foo
\pset expanded foo
\pset expanded auto
\pset unicode_border_linestyle foo
\pset numericlocale maybe
\x auto
\x on
\t on
\t off
\t
