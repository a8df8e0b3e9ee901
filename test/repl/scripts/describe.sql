\pset pager off
create table dt (a int primary key, b text default 'x', c numeric(5,2) not null, t timestamp(3)) distributed by (a);
create view dv as select a, b from dt where c > 0;
create schema s2;
create table s2."Mixed Case" ("Col A" int);
create table s2.dt (z int) distributed randomly;
\d
\d+
\d dt
\d+ dt
\d dv
\d+ dv
\d dt_pkey
\d s2.*
\d s2."Mixed Case"
\d *.dt
\dt *.dt
\dt S2.*
\dt "S2".*
\dv
\di
\ds
\dm
\dn
\dn s2
\d nosuch
\dt nosuch
\d a.b.c.d
\d a.b.c
\dT numeric
\dT+ int
\df pg_catalog.abs
\df pg_catalog.abs int
\df nosuch
\do pg_catalog.= int4 int4
\da sum
\dC text
\du
\l
\db
\dp
\ddp
\drds
\dx
\dd
\dL
\dy
\dRp
\dRs
\des
\dew
\det
\deu
\dl
\dO
\dc
\dD
\dA
\dP
\dX
\dF
\dconfig datestyle
\sv dv
\sv dt
\sf nosuch
\dfx
\dq
\set QUIET on
\dt nosuch
\d nosuch
\set QUIET off
drop view dv;
drop table dt;
drop table s2.dt;
drop table s2."Mixed Case";
drop schema s2;
