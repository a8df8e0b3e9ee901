/** A bar chart of the power test as a self-contained SVG: one group of bars a query, logarithmic milliseconds. */

export type Series = { readonly name: string; readonly color: string; readonly values: readonly number[] };

const W = 1000;
const H = 360;
const LEFT = 54;
const TOP = 46;
const BOTTOM = 300;

function xml(s: string): string {
  return s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

export function barChart(title: string, labels: readonly string[], series: readonly Series[]): string {
  const all = series.flatMap((s) => s.values);
  const low = Math.floor(Math.log10(Math.max(0.1, Math.min(...all)) * 0.8));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const y = (ms: number): number =>
    BOTTOM - ((Math.log10(Math.max(ms, 10 ** low)) - low) / Math.max(1, high - low)) * (BOTTOM - TOP);
  const step = (W - LEFT - 16) / labels.length;
  const bar = (step * 0.76) / series.length;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${W}" height="${H}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="22" font-size="15" font-weight="600" fill="#1f2933">${xml(title)}</text>`,
  ];
  for (let e = low; e <= high; e++) {
    const at = y(10 ** e);
    out.push(
      `<line x1="${LEFT}" x2="${W - 12}" y1="${at}" y2="${at}" stroke="#e4e7eb"/>`,
      `<text x="${LEFT - 6}" y="${at + 4}" text-anchor="end" fill="#52606d">${10 ** e} ms</text>`,
    );
  }
  labels.forEach((label, i) => {
    const x = LEFT + i * step + step * 0.12;
    series.forEach((s, k) => {
      const v = s.values[i]!;
      out.push(
        `<rect x="${(x + k * bar).toFixed(1)}" y="${y(v).toFixed(1)}" width="${(bar * 0.92).toFixed(1)}" height="${(BOTTOM - y(v)).toFixed(1)}" fill="${s.color}"><title>${xml(`${label} ${s.name}: ${v.toFixed(1)} ms`)}</title></rect>`,
      );
    });
    out.push(
      `<text x="${(LEFT + (i + 0.5) * step).toFixed(1)}" y="${BOTTOM + 16}" text-anchor="middle" fill="#52606d">${xml(label)}</text>`,
    );
  });
  series.forEach((s, k) => {
    out.push(
      `<rect x="${LEFT + k * 300}" y="${H - 26}" width="12" height="12" fill="${s.color}"/>`,
      `<text x="${LEFT + 18 + k * 300}" y="${H - 16}" fill="#1f2933">${xml(s.name)}</text>`,
    );
  });
  out.push('</svg>');
  return out.join('\n');
}
