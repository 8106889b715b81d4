import { chromium } from 'playwright-core';
const [,, base, out, who, pw, ...paths] = process.argv;
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu','--disable-quic','--no-first-run','--disable-background-networking','--disable-component-update','--disable-sync'] });
const modes = (process.env.MODES||'light').split(',');
for (const m of modes) {
  const ctx = await b.newContext({ viewport: m.startsWith('phone') ? {width:390,height:844} : {width:1440,height:900}, colorScheme: m==='dark'?'dark':'light' });
  const p = await ctx.newPage(); p.on('console', c => { if (['error','warning'].includes(c.type())) console.log(m, c.text()); });
  if (who) { await p.goto(base+'/sign-in'); await p.fill('input[autocomplete=username]', who); await p.fill('input[type=password]', pw); await p.click('main button'); await p.waitForLoadState(); if (p.url().includes('sign-in')) console.log('sign-in failed', await p.textContent('main')); }
  for (const path of paths) { const r = await p.goto(base+path); if (r && r.status()>=400) console.log(path, r.status()); const tall = await p.evaluate(() => document.documentElement.scrollHeight); await p.setViewportSize({ width: m.startsWith('phone')?390:1440, height: Math.max(700, Math.min(tall, 2400)) });
    const wide = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth); if (wide>0) console.log('OVERFLOW', path, m, wide);
    await p.screenshot({ path: `${out}/${path.replace(/[^a-z0-9]+/gi,'_').replace(/^_/,'') || 'root'}.${m}.png` }); }
  await ctx.close(); }
await b.close();
