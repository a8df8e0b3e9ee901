/** The texts of --help and \?. */

export const OPTIONS_HELP = `mpp-sql is the interactive terminal for mpp and for PostgreSQL.

Usage:
  mpp-sql [OPTION]... [DBNAME [USERNAME]]
  mpp-sql [OPTION]... postgresql://[USER@][HOST][:PORT][/DBNAME]

General options:
  -c, --command=COMMAND    run one command (SQL or backslash) and exit; may be repeated
  -d, --dbname=DBNAME      database, or a connection string (default: the user's name)
  -f, --file=FILENAME      run the commands of a file and exit; may be repeated
  -l, --list               list databases, then exit
  -v, --set=, --variable=NAME=VALUE
                           set variable NAME to VALUE (such as: -v ON_ERROR_STOP=1)
  -V, --version            show the version, then exit
  -X, --no-psqlrc          do not read the startup file (~/.mpprc)
  -1, --single-transaction run all as one transaction (if not interactive)
  -?, --help[=options]     show this help, then exit
      --help=commands      list backslash commands, then exit
      --help=variables     list special variables, then exit

Input and output options:
  -a, --echo-all           print all input of scripts
  -b, --echo-errors        print statements that failed
  -e, --echo-queries       print statements as they are sent
  -E, --echo-hidden        print the queries of backslash commands
  -L, --log-file=FILENAME  send a copy of the output to a file
  -n, --no-readline        edit without colours, completion and history
  -o, --output=FILENAME    send query results to a file, or to |COMMAND
  -q, --quiet              no messages, query output only
  -s, --single-step        confirm each statement
  -S, --single-line        the end of a line ends a statement

Format options:
  -A, --no-align           unaligned output
      --csv                CSV
      --json               JSON, an array with one object a row
  -F, --field-separator=STRING
                           separator of unaligned fields (default: "|")
  -P, --pset=VAR[=ARG]     set print option VAR to ARG (see \\pset)
  -R, --record-separator=STRING
                           separator of unaligned records (default: newline)
  -t, --tuples-only        rows only
  -T, --table-attr=TEXT    text of the tableattr print option
  -x, --expanded           expanded output
  -z, --field-separator-zero
                           a zero byte between unaligned fields
  -0, --record-separator-zero
                           a zero byte between unaligned records

Connection options:
  -h, --host=HOSTNAME      host, or directory of a socket (default: 127.0.0.1)
  -p, --port=PORT          port (default: 5433)
  -U, --username=USERNAME  user (default: the operating system's)
  -w, --no-password        never ask for a password
  -W, --password           ask for a password first

PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGSERVICE, PGSSLMODE and their kin are read as libpq reads them,
and passwords from ~/.pgpass.
`;

export const COMMANDS_HELP = `General
  \\errverbose            show the last error in full
  \\g [(OPTIONS)] [FILE]  run the statement (and send its result to a file or |COMMAND)
  \\gdesc                 describe the statement's result, without running it
  \\gexec                 run the statement, then each value of its result as a statement
  \\gset [PREFIX]         run the statement and keep its row in variables
  \\gx [(OPTIONS)] [FILE] as \\g, in expanded output
  \\plan [FILE]           write the last statement's plan, with rows and times of each segment, as a web page
  \\q                     quit
  \\watch [SEC]           run the statement every SEC seconds
  \\crosstabview [COLUMNS] run the statement and show its result as a crosstab

Help
  \\? [commands]          help with backslash commands
  \\? options             help with the command line
  \\? variables           help with special variables
  \\h [NAME]              help with SQL; * for all statements

Query buffer
  \\e [FILE] [LINE]       edit the statement, or a file, in an editor
  \\ef [FUNCTION [LINE]]  edit a function's definition
  \\ev [VIEW [LINE]]      edit a view's definition
  \\p                     show the statement
  \\r                     forget the statement
  \\s [FILE]              show the history, or save it to a file
  \\w FILE                write the statement to a file

Input and output
  \\copy ...              COPY from or to a file of this computer
  \\echo [-n] [TEXT]      write text to standard output
  \\i FILE                run commands from a file
  \\ir FILE               as \\i, relative to the script's place
  \\o [FILE]              send all results to a file or |COMMAND
  \\qecho [-n] [TEXT]     write text to where results go
  \\warn [-n] [TEXT]      write text to standard error

Conditions
  \\if EXPR  \\elif EXPR  \\else  \\endif

Objects (S: system objects too, +: more about each)
  \\d[S+]                 list tables, views and sequences
  \\d[S+]  NAME           describe a table, view, sequence or index
  \\da[S]  \\dA[+]         aggregates, access methods
  \\dAc[+] \\dAf[+] \\dAo[+] \\dAp[+]
                         operator classes, families, their operators and functions
  \\db[+]  \\dc[S+] \\dC[+]  tablespaces, conversions, casts
  \\dconfig[+] [PATTERN]  parameters of the server
  \\dd[S]  \\dD[S+] \\ddp    comments, domains, default privileges
  \\dE[S+] \\di[S+] \\dm[S+] \\ds[S+] \\dt[S+] \\dv[S+]
                         foreign tables, indexes, materialized views, sequences, tables, views
  \\des[+] \\det[+] \\deu[+] \\dew[+]
                         foreign servers, tables, user mappings, wrappers
  \\df[anptw][S+] [NAME [TYPE ...]]
                         functions
  \\dF[+]  \\dFd[+] \\dFp[+] \\dFt[+]
                         text search: configurations, dictionaries, parsers, templates
  \\dg[S+] \\du[S+]        roles
  \\dl[+]  \\dL[S+]        large objects, languages
  \\dn[S+] \\do[S] \\dO[S+]  schemas, operators, collations
  \\dp     \\z             access privileges
  \\dP[itn+]              partitioned relations
  \\drds [ROLE [DB]]      settings of roles and databases
  \\dRp[+] \\dRs[+]        publications, subscriptions
  \\dT[S+] \\dx[+] \\dX \\dy[+]
                         types, extensions, extended statistics, event triggers
  \\l[+]                  databases
  \\sf[+] FUNCTION        show a function's definition
  \\sv[+] VIEW            show a view's definition

Formatting
  \\a  \\C [TITLE]  \\f [STRING]  \\t [on|off]  \\T [TEXT]
  \\x [on|off|auto]       expanded output
  \\pset [NAME [VALUE]]   set an option of output: border, columns, csv_fieldsep, expanded, fieldsep,
                         fieldsep_zero, footer, format, linestyle, null, numericlocale, pager,
                         pager_min_lines, recordsep, recordsep_zero, tableattr, title, tuples_only,
                         unicode_border_linestyle, unicode_column_linestyle, unicode_header_linestyle
                         (formats: aligned, csv, json, markdown, unaligned, wrapped)

Connection
  \\c[onnect] {[DBNAME|- USER|- HOST|- PORT|-] | CONNINFO}
                         connect anew
  \\conninfo              tell about the connection
  \\encoding              show the client's encoding
  \\password [USER]       change a password

System
  \\cd [DIR]  \\getenv VAR ENV  \\setenv NAME [VALUE]  \\timing [on|off]  \\! [COMMAND]

Variables
  \\prompt [TEXT] NAME    ask for a variable's value
  \\set [NAME [VALUE]]    set a variable, or list all
  \\unset NAME            unset a variable

At the prompt
  Tab completes, and again Tab and the arrow keys choose; Ctrl-R searches the history; Alt-Enter starts a
  new line; Ctrl-C leaves the statement; while a statement runs, Ctrl-C cancels it.
`;

export const VARIABLES_HELP = `Variables that steer the client (\\set NAME VALUE, or -v NAME=VALUE):

  AUTOCOMMIT           if off, statements open a transaction
  COMP_KEYWORD_CASE    case of completed keywords: lower, upper, preserve-lower, preserve-upper
  DBNAME HOST PORT USER  the connection
  ECHO                 input to print: all, errors, queries, none
  ECHO_HIDDEN          if on, print the queries of backslash commands; noexec: print only
  ENCODING             the client's encoding
  ERROR SQLSTATE ROW_COUNT  what came of the last statement
  FETCH_COUNT          rows to fetch and show at a time; 0: all
  HIDE_TABLEAM HIDE_TOAST_COMPRESSION  leave these out of \\d+
  HISTCONTROL          ignorespace, ignoredups, ignoreboth, none
  HISTFILE HISTSIZE    the history's file, and how many entries it keeps
  IGNOREEOF            ends of input that are not taken for an end
  LASTOID LAST_ERROR_MESSAGE LAST_ERROR_SQLSTATE
  ON_ERROR_ROLLBACK    if on, an error does not abort the transaction; interactive: at the prompt only
  ON_ERROR_STOP        stop at the first error
  PROGRESS             if off, no progress bar
  PROMPT1 PROMPT2 PROMPT3  prompts
  QUIET                no messages
  SERVER_VERSION_NAME SERVER_VERSION_NUM VERSION VERSION_NAME VERSION_NUM
  SHOW_ALL_RESULTS     show all results of several statements in one, not the last only
  SHOW_CONTEXT         context of messages: never, errors, always
  SINGLELINE SINGLESTEP
  VERBOSITY            of errors: default, verbose, terse, sqlstate

Environment: COLUMNS, PAGER (PSQL_PAGER), EDITOR (PSQL_EDITOR), PSQL_EDITOR_LINENUMBER_ARG, MPPRC, MPP_HISTORY, NO_COLOR,
and libpq's PG* variables.
`;
