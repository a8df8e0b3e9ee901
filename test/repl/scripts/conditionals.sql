\pset pager off
\if true
  \echo yes
\else
  \echo no
\endif
\if false
  \echo no
  select 'no';
\elif false
  \echo no
\elif 1
  \echo elif
\else
  \echo no
\endif
\if on
  \if off
    \echo no
  \else
    \echo nested
  \endif
\endif
select
\if false
  'no',
\else
  'yes',
\endif
  1 as x;
\if invalid
  \echo no
\endif
\if
  \echo no
\endif
\set var true
\if :var
  \echo var
\endif
\if :{?var}
\echo defined
\endif
\if :{?nosuch}
\echo not defined
\else
\echo undefined
\endif
\if false
  \if true
  \echo `echo never` :nosuch
  \elif true
  \else
  \endif
  \nosuchcommand
  \set x `exit 1`
  select '; \echo no
  ';
\endif
\elif true
\else
\endif
\if true
\else
\else
\elif true
\endif
select 1 as a, 2 as b \gset
\if :a \echo a is true \endif
\if :b
\endif
\if false \\ select 'no'; \else \\ select 'yes'; \endif
select (1 +
\if false
 2 )
\else
 3 )
\endif
as y;
\if true
\echo open
