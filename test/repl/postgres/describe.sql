\pset pager off
\d
\d+
\d t1
\d+ t1
\d t2
\d v1
\d+ v1
\d mv1
\d sq1
\d sq2
\d t1_v_idx
\d+ t1_pkey
\d pt
\d+ pt
\d pt2
\d+ pt1
\d chi
\d+ par
\d comp
\d ft
\d+ ft
\d nosuch
\d ul
\echo ==== da
\da
\echo ==== da+
\da+
\echo ==== dA
\dA
\echo ==== dA+
\dA+
\echo ==== dAc
\dAc
\echo ==== dAc+
\dAc+
\echo ==== dAf
\dAf
\echo ==== dAf+
\dAf+
\echo ==== dAo
\dAo
\echo ==== dAo+
\dAo+
\echo ==== dAp
\dAp
\echo ==== dAp+
\dAp+
\echo ==== db
\db
\echo ==== db+
\db+
\echo ==== dc
\dc
\echo ==== dc+
\dc+
\echo ==== dC
\dC
\echo ==== dC+
\dC+
\echo ==== dd
\dd
\echo ==== dd+
\dd+
\echo ==== ddp
\ddp
\echo ==== ddp+
\ddp+
\echo ==== dD
\dD
\echo ==== dD+
\dD+
\echo ==== des
\des
\echo ==== des+
\des+
\echo ==== det
\det
\echo ==== det+
\det+
\echo ==== deu
\deu
\echo ==== deu+
\deu+
\echo ==== dew
\dew
\echo ==== dew+
\dew+
\echo ==== dF
\dF
\echo ==== dF+
\dF+
\echo ==== dFd
\dFd
\echo ==== dFd+
\dFd+
\echo ==== dFp
\dFp
\echo ==== dFp+
\dFp+
\echo ==== dFt
\dFt
\echo ==== dFt+
\dFt+
\echo ==== df
\df
\echo ==== df+
\df+
\echo ==== dg
\dg
\echo ==== dg+
\dg+
\echo ==== di
\di
\echo ==== di+
\di+
\echo ==== dl
\dl
\echo ==== dl+
\dl+
\echo ==== dL
\dL
\echo ==== dL+
\dL+
\echo ==== dn
\dn
\echo ==== dn+
\dn+
\echo ==== do
\do
\echo ==== do+
\do+
\echo ==== dO
\dO
\echo ==== dO+
\dO+
\echo ==== dp
\dp
\echo ==== dp+
\dp+
\echo ==== dP
\dP
\echo ==== dP+
\dP+
\echo ==== drds
\drds
\echo ==== drds+
\drds+
\echo ==== dRp
\dRp
\echo ==== dRp+
\dRp+
\echo ==== dRs
\dRs
\echo ==== dRs+
\dRs+
\echo ==== dT
\dT
\echo ==== dT+
\dT+
\echo ==== du
\du
\echo ==== du+
\du+
\echo ==== dv
\dv
\echo ==== dv+
\dv+
\echo ==== dx
\dx
\echo ==== dx+
\dx+
\echo ==== dX
\dX
\echo ==== dX+
\dX+
\echo ==== dy
\dy
\echo ==== dy+
\dy+
\echo ==== l
\l
\echo ==== l+
\l+
\dn s2
\dRp+
\du+
\dx+
\dF+ tsc
\dFp+
\dp
\drds
\dX
\dconfig work*
\dn+ s2
\df pg_catalog.abs int
\do pg_catalog.= int4 int4
\dl
\dP
\dPt
\dPin
\ddp
\dt nosuch
\dt
\dF+ nosuch
\drds nosuch
\dRs
\dm+
\ds
\dE+
\des+
\deu+
\dx+ nosuch
\dRp+ nosuch
\d *.nosuch
\d a.b.c
\d a.b.c.d
\df s2.*
\dt s2.*
\dt *.t1
\d s2."Mixed Case"
\d s2."Mixed*"
\d S2.T1
\dt "S2".t1
\dtvS pg_cl*
\dT en
\dT+ comp
\dT int[]
\dC int
\dC+ text
\da sum
\df+ f1
\dfp
\dfa
\dft
\dfx
\z t1
\do ||
\dO C
\sf f1
\sf+ f1
\sf pr1()
\sv v1
\sv+ v1
\sv mv1
\sv t1
\sf nosuch
\du r*
\dd
\dd x
\dFd simple
\dF english
\l mpp
\l+ post*
\list
\dx
\dRp pub1
\dX
\dy
\des
\dew
\d t1_expr
\d+ ft
\det
\di t1*
\d pg_class
\set HIDE_TABLEAM on
\d+ t1
\dt+ t1
\set QUIET on
\dt nosuch
\d nosuch
\dt

