\pset pager off
select '日本語' as "言語", 'é' as "accent", e'e\u0301' as combining, '👍' as emoji, '한글' as "한국어";
\pset border 2
select '日本語' as "言語", 'é' as "accent", e'e\u0301' as combining, '👍' as emoji union all select 'abc', 'x', 'y', 'zz' order by 1;
\x
select '日本語' as "言語", 'é' as "accent", e'e\u0301' as combining, '👍' as emoji;
\x
\pset format wrapped
\pset columns 24
select '日本語日本語日本語日本語日本語' as "言語", 'hello world this is long' as text;
\pset format aligned
\pset columns 0
select e'a\tb' as tab, e'a\rb' as cr, e'\x01\x7f' as control, e'\u0085' as c1, '​' as zwsp;
select '日本語' from nosuch;
select 'é日本語', nosuch from generate_series(1,2);
\pset format unaligned
select '日本語' as "言語", 'é';
