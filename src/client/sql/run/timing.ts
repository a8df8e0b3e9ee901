/** What \timing says. */
export function timingText(ms: number): string {
  const base = `Time: ${ms.toFixed(3)} ms`;
  if (ms < 1000) return `${base}\n`;
  const two = (n: number): string => String(n).padStart(2, '0');
  let seconds = ms / 1000;
  const minutesAll = Math.floor(seconds / 60);
  seconds -= minutesAll * 60;
  const shownSeconds = seconds.toFixed(3).padStart(6, '0');
  if (minutesAll < 60) return `${base} (${two(minutesAll)}:${shownSeconds})\n`;
  const hoursAll = Math.floor(minutesAll / 60);
  const minutes = minutesAll - hoursAll * 60;
  if (hoursAll < 24) return `${base} (${two(hoursAll)}:${two(minutes)}:${shownSeconds})\n`;
  const days = Math.floor(hoursAll / 24);
  return `${base} (${days} d ${two(hoursAll - days * 24)}:${two(minutes)}:${shownSeconds})\n`;
}
