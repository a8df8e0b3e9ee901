\pset pager off
select 'a;b' as x; select 1 as y;
select $$dollar ; quoted$$ as x, $tag$with $$ inside; $tag$ as y;
select $a$ multi
line ; $a$ as x;
select 1 /* comment ; /* nested ; */ still */ as x;
select 1 -- comment ; here
as x;
-- leading comment
select "x;y" from (select 1 as "x;y") t;
select E'esc\'aped ;' as x;
select 'it''s;' as x, U&'\0041;' as y, U&"\0041" from (select 1 as "A") t;
select B'101' as b, X'1F' as h, N'nat;' as n;
select 'a'
'b;c' as x;
select 'a' -- comment
  'b;c' as x;
select (1; select 2);
select 1 \; select 2 \; select 3;
select 1\;;
select 1 as a \g
select 2 as b \gx
select 3 as c \gset
\echo :c
select 'x' as "A", 'y' as b \gset pre_
\echo :pre_A :pre_b :pre_nosuch
select 1 \gset _
select 1, 2 \g (format=csv tuples_only=on)
select 1 as x, 2 as y \g (expanded=on)
select 1 \echo mid-line \g
\set v 'some value'
\set n 42
\set q '"x"'
\set e ''
select :n as n, :'v' as v, :"v" from (select 7 as "some value") t;
select ':n' as notexpanded, :nosuch;
select :'nosuch';
select :{?n} as has_n, :{?nosuch} as has_nosuch;
select array[1,2,3][1:2], 'a'::text, 1::int4;
\set sql 'select 1 as from_variable;'
:sql
\set part 'select 5 as'
:part five;
\set rec ':rec'
select :rec;
\set a 'x'':n'
\echo :a :'a' :"a" ':n' ":n"
\echo 'single '' quote' "double quote" plain 'tab\tnl\n' '\x41\101'
\echo `echo backtick` `echo two words`
\echo -n no newline
\echo
\echo a    b     c
\echo - -n
\echo 'unterminated
\echo "unterminated
\echo after
\echo one \\ select 1 as afterslash;
\echo one \echo two
select 1
\p
\r
\p
\reset
select 2
\g
\foo
\foo bar \echo not reached
\echo reached
\pset border 1 extra args
\q ignored?
select 'not reached';
