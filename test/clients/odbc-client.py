"""What odbc.test.ts runs: PostgreSQL's ODBC driver through pyodbc, named by the environment. Prints the number of checks.

Left out, because mpp does not have it: update, delete, foreign keys in the catalog."""
import datetime
import decimal
import os
import threading

import pyodbc

checks = 0


def same(got, expected):
    global checks
    checks += 1
    assert got == expected, f"{got!r} is not {expected!r}"


def fails(code, sql, *parameters):
    try:
        cursor.execute(sql, *parameters)
    except pyodbc.Error as error:
        same(error.args[0], code)
        return
    raise AssertionError(f"{sql} did not fail")


driver = "{PostgreSQL Unicode}"
e = os.environ
connection = pyodbc.connect(
    f"Driver={driver};Server={e['PGHOST']};Port={e['PGPORT']};Database={e['PGDATABASE']};Uid={e['PGUSER']};"
    f"UseServerSidePrepare={e['SERVER_SIDE_PREPARE']};UseDeclareFetch={e['DECLARE_FETCH']};Fetch=500",
    autocommit=True,
)
connection.setencoding("utf-8")
cursor = connection.cursor()
same(connection.getinfo(pyodbc.SQL_DBMS_NAME), "PostgreSQL")
same(connection.getinfo(pyodbc.SQL_DBMS_VER).startswith("15."), True)

VALUES = [
    (-32768, "smallint"),
    (2**31 - 1, "integer"),
    (2**63 - 1, "bigint"),
    (decimal.Decimal("12345678901234567890.5"), "numeric(30,1)"),
    (0.1, "double precision"),
    ("quote ' backslash \\ ☃", "text"),
    ("", "text"),
    (None, "text"),
    (datetime.date(2024, 2, 29), "date"),
    (datetime.time(13, 14, 15), "time"),
    (datetime.datetime(2024, 2, 29, 13, 14, 15, 123456), "timestamp"),
    (b"\x00\x01\\\xff", "bytea"),
]
for value, type_name in VALUES:
    same(cursor.execute(f"select cast(? as {type_name})", value).fetchone()[0], value)

row = cursor.execute("select * from kinds where id = ?", 1).fetchone()
same([d[0] for d in cursor.description][:5], ["id", "flag", "small", "big", "exact"])
same(cursor.description[4][4:6], (12, 3))
same((row.small, row.big, row.exact, row.wide, row.word, row.label), (-7, 9007199254740993, decimal.Decimal("1234.500"), 1e100, "naïve ☃", "it's"))
same((row.day, row.moment), (datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 13, 14, 15, 123000)))
same([tuple(r) for r in cursor.execute("select id, word from kinds where small is null")], [(2, "")])

# The catalog as spreadsheets and reporting tools ask for it.
same(sorted((r.table_name, r.table_type) for r in cursor.tables(schema="public")), [("kinds", "TABLE"), ("notes", "VIEW"), ("parts", "TABLE")])
columns = {r.column_name: r for r in cursor.columns(table="kinds", schema="public")}
same(list(columns)[:3], ["id", "flag", "small"])
same((columns["exact"].type_name, columns["exact"].column_size, columns["exact"].decimal_digits), ("numeric", 12, 3))
same((columns["word"].nullable, columns["day"].nullable), (0, 1))
same([r.column_name for r in cursor.primaryKeys("parts", schema="public")], ["kind", "line"])
same([r.column_name for r in cursor.statistics("parts", schema="public") if r.column_name], ["kind", "line"])
same("int4" in [r.type_name for r in cursor.getTypeInfo()], True)
same(cursor.tables(table="nosuch").fetchall(), [])

# Batches.
cursor.execute("create table batches (id int, word varchar(20))")
cursor.executemany("insert into batches values (?, ?)", [(i, f"w{i}") for i in range(100)])
same(tuple(cursor.execute("select count(*), max(id) from batches where word = ? or id < ?", "w50", 10).fetchone()), (11, 50))
cursor.execute("drop table batches")

# Many rows; inside of a transaction too, where the driver may use a cursor of the server.
connection.autocommit = False
same(sum(r[0] for r in cursor.execute("select g from generate_series(1, 20000) g")), 20000 * 20001 // 2)
connection.commit()
connection.autocommit = True

fails("42703", "select nosuch from kinds")
fails("42P01", "select * from nosuch")
fails("22P02", "select cast(? as int)", "x")
same(cursor.execute("select 1").fetchone()[0], 1)

# Cancel.
timer = threading.Timer(0.3, cursor.cancel)
timer.start()
fails("57014", "select count(*) from generate_series(1, 40000000000) a where a % 7 = 9")
timer.join()
connection.close()
print(checks)
