// What HTML alone can't do: names for file inputs, paste, cards that light their marks, a timeline that seeks.
if (!window.fernb) {
  window.fernb = true;
  const all = (within, selector) => within ? [...within.querySelectorAll(selector)] : [];

  const name = () => all(document, 'section input[type=file]:not([aria-label])')
    .forEach(i => i.setAttribute('aria-label', i.closest('section').getAttribute('aria-label')));
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();

  document.addEventListener('paste', event => {
    const input = document.querySelector('.st-key-pictures input[type=file]');
    const pasted = [...event.clipboardData.files].filter(f => f.type.startsWith('image/'));
    if (!input || !pasted.length) return;
    const given = new DataTransfer();
    const named = f => f.name.replace(/^image\./, 'pasted-' + Date.now() % 1e6 + '.');
    for (const f of pasted) given.items.add(new File([f], named(f), {type: f.type}));
    input.files = given.files;
    input.dispatchEvent(new Event('change', {bubbles: true}));
  });

  // A card and its mark share data-face
  const face = event => event.target.closest?.('[data-face]')?.dataset.face;
  const light = event => {
    const on = face(event);
    all(document, '[data-face].lit').forEach(e => e.dataset.face === on || e.classList.remove('lit'));
    if (on) all(document, `[data-face="${on}"]`).forEach(e => e.classList.add('lit'));
  };
  document.addEventListener('pointerover', light);
  document.addEventListener('focusin', light);
  document.addEventListener('click', event => {
    const mark = event.target.closest?.('.mark, .badge');
    const card = mark && document.querySelector(`:is(.face, .row)[data-face="${mark.dataset.face}"]`);
    if (!card) return;
    if (card.matches('details')) card.open = true;
    card.scrollIntoView({behavior: 'smooth', block: 'nearest'});
  });

  // What a camera's error means, in place of its name, inside the frame that plays the live picture
  setInterval(() => {
    const words = JSON.parse(document.querySelector('#refused')?.dataset.words ?? '{}');
    all(document, 'iframe[title*=webrtc]').forEach(f => all(f.contentDocument, '.MuiAlert-message').forEach(e => {
      const [name, ...rest] = e.childNodes;
      if (!words[name?.data] || !rest.length) return;
      name.data = words[name.data];
      rest.forEach(node => { node.data = ''; });
    }));
  }, 500);

  // The timeline and the player beside it
  const at = (ribbon, t) => {
    const input = ribbon.querySelector('input'), steps = ribbon.dataset.said.split(';').map(s => s.split(/,(.*)/));
    const said = steps.filter(s => +s[0] <= t + 1e-3).pop();
    input.value = t;
    ribbon.querySelector('.head').style.left = 100 * t / input.max + '%';
    const words = `${t.toFixed(1)} s${said ? ': ' + said[1] : ''}`;
    ribbon.querySelector('output').textContent = words;
    input.setAttribute('aria-valuetext', words);
  };
  const seek = (ribbon, t) => {
    const video = ribbon.closest('.st-key-film')?.querySelector('video');
    if (video) video.currentTime = Math.min(t, video.duration || t);
    at(ribbon, t);
  };
  document.addEventListener('input', e => {
    if (e.target.matches('.ribbon input')) seek(e.target.closest('.ribbon'), +e.target.value);
  });
  const drag = e => {
    const over = e.target.closest?.('.ribbon .over');
    if (!over || !(e.buttons & 1)) return;
    const box = over.getBoundingClientRect(), ribbon = over.closest('.ribbon');
    seek(ribbon, Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)) * ribbon.querySelector('input').max);
  };
  document.addEventListener('pointerdown', drag);
  document.addEventListener('pointermove', drag);
  document.addEventListener('timeupdate', e => {
    all(e.target.closest('.st-key-film'), '.ribbon').forEach(r => at(r, e.target.currentTime));
  }, true);
}
