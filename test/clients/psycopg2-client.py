"""What psycopg2.test.ts runs: psycopg2 over a connection named by the environment. Prints the number of checks."""
import datetime
import decimal
import io
import threading

import psycopg2
import psycopg2.errorcodes
import psycopg2.extras

checks = 0


def same(got, expected):
    global checks
    checks += 1
    assert got == expected, f"{got!r} is not {expected!r}"


def fails(code, cursor, sql, parameters=None):
    try:
        cursor.execute(sql, parameters)
    except psycopg2.Error as error:
        same(error.pgcode, code)
        return error
    raise AssertionError(f"{sql} did not fail")


connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()
same(connection.server_version // 10000, 15)
same(connection.encoding, "UTF8")

UTC = datetime.timezone.utc
VALUES = [
    (True, "boolean"),
    (-7, "smallint"),
    (2**31 - 1, "integer"),
    (2**63 - 1, "bigint"),
    (decimal.Decimal("123456789012345678901234567890.5"), "numeric"),
    (0.1, "double precision"),
    ("quote ' backslash \\ ☃", "text"),
    ("", "text"),
    (None, "text"),
    (datetime.date(2024, 2, 29), "date"),
    (datetime.time(13, 14, 15, 500000), "time"),
    (datetime.datetime(2024, 2, 29, 13, 14, 15, 123456), "timestamp"),
    (datetime.datetime(2024, 2, 29, 13, 14, 15, 123456, UTC), "timestamptz"),
    (datetime.timedelta(days=3, hours=4, microseconds=5), "interval"),
    ([1, None, 3], "integer[]"),
    (["a,b", 'c"d', None], "text[]"),
]
for value, type_name in VALUES:
    cursor.execute(f"select %s::{type_name}", (value,))
    same(cursor.fetchone(), (value,))
cursor.execute("select %s::bytea", (psycopg2.Binary(b"\x00\x01\\\xff"),))
same(bytes(cursor.fetchone()[0]), b"\x00\x01\\\xff")

cursor.execute("select * from kinds where id = %(id)s", {"id": 1})
same([(d.name, d.type_code, d.precision, d.scale) for d in cursor.description][4], ("exact", 1700, 12, 3))
row = cursor.fetchone()
same(row[4:8], (decimal.Decimal("1234.500"), 0.5, 1e100, "naïve ☃"))
same(row[10:14], (
    datetime.date(2024, 2, 29), datetime.time(13, 14, 15, 500000), datetime.datetime(2024, 2, 29, 13, 14, 15, 123000),
    datetime.datetime(2024, 2, 29, 13, 14, 15, 123456, UTC),
))

# Batches: one statement of many rows, many statements in one message, a prepared statement.
cursor.execute("create table batches (id int, word text)")
psycopg2.extras.execute_values(cursor, "insert into batches values %s", [(i, f"w{i}") for i in range(1000)], page_size=500)
psycopg2.extras.execute_batch(cursor, "insert into batches values (%s, %s)", [(1000 + i, None) for i in range(20)], page_size=5)
cursor.execute("prepare find (int) as select word from batches where id = $1")
psycopg2.extras.execute_batch(cursor, "execute find (%s)", [(i,) for i in range(5)])
same(cursor.fetchall(), [("w4",)])
cursor.execute("select count(*), sum(id) from batches where id = any(%s) or word is null", ([1, 2, 3],))
same(cursor.fetchone(), (23, 6 + sum(range(1000, 1020))))
cursor.execute("select count(*) from batches where id in %s", ((1, 2, 99999),))
same(cursor.fetchone(), (2,))

# COPY both ways.
cursor.copy_expert("copy batches from stdin (format csv)", io.StringIO("5000,x\n5001,\"y,z\"\n"))
same(cursor.rowcount, 2)
out = io.StringIO()
cursor.copy_expert("copy (select * from batches where id >= 5000 order by id) to stdout", out)
same(out.getvalue(), "5000\tx\n5001\ty,z\n")
cursor.copy_from(io.StringIO("6000\t\\N\n"), "batches", columns=("id", "word"))
cursor.execute("drop table batches")

# A cursor of the server, inside of a transaction.
connection.autocommit = False
with connection, connection.cursor(name="streamed") as streamed:
    streamed.itersize = 1000
    streamed.execute("select g from generate_series(1, 5500) g")
    same(sum(g for (g,) in streamed), 5500 * 5501 // 2)
with connection, connection.cursor("scrolling", scrollable=True) as scrolling:
    scrolling.execute("select g from generate_series(1, 10) g")
    scrolling.scroll(4)
    same(scrolling.fetchone(), (5,))
    scrolling.scroll(0, mode="absolute")
    same(scrolling.fetchmany(2), [(1,), (2,)])

# Errors, and what a transaction is after one.
cursor = connection.cursor()
error = fails("42703", cursor, "select nosuch from kinds")
same((error.diag.severity, error.diag.statement_position), ("ERROR", "8"))
fails(psycopg2.errorcodes.IN_FAILED_SQL_TRANSACTION, cursor, "select 1")
connection.rollback()
fails("22P02", cursor, "select %s::int", ("x",))
connection.rollback()
fails("22012", cursor, "select 1 / 0")
connection.rollback()
same(connection.info.transaction_status, psycopg2.extensions.TRANSACTION_STATUS_IDLE)

# Isolation and access of a session.
connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
cursor.execute("show transaction_isolation")
same(cursor.fetchone(), ("repeatable read",))
fails("25006", cursor, "create table refused (a int)")
connection.rollback()
connection.set_session(isolation_level="DEFAULT", readonly=False, autocommit=True)

cursor.execute("drop table if exists nosuch")
same(connection.notices[-1].strip(), 'NOTICE:  table "nosuch" does not exist, skipping')

# Cancel.
timer = threading.Timer(0.3, connection.cancel)
timer.start()
fails("57014", cursor, "select count(*) from generate_series(1, 40000000000) a where a % 7 = 9")
timer.join()

# Many rows, as dictionaries.
with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as rows:
    rows.execute("select g, g::text as s from generate_series(1, 100000) g")
    same(sum(r["g"] for r in rows.fetchall()), 100000 * 100001 // 2)
connection.close()
print(checks)
